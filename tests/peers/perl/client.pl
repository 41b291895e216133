#!/usr/bin/perl
# A client made of Net::SMPP, for tests: binds as a transceiver to the port in its first argument, does what its
# standard input says, a JSON object a line, and prints what it hears, likewise. The end of input ends it.
#
# Commands: submit {tag, to, text (hexadecimal), data_coding, esm_class}, enquire_link, unbind.
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use Net::SMPP;

$| = 1;
my $json = JSON::PP->new->canonical;

sub say_event { print $json->encode({@_}), "\n" }

my ($smpp, $answer) = Net::SMPP->new_transceiver(
	'127.0.0.1', port => $ARGV[0], system_id => 'perl', password => 'secret', smpp_version => 0x34,
) or die "no bind: $!";
say_event(event => 'bound', status => $answer->{status}, system_id => $answer->{system_id});

my %tags;
my $input = '';
my $select = IO::Select->new($smpp, \*STDIN);

sub obey {
	my ($line) = @_;
	my $command = $json->decode($line);
	my $word = $command->{do};
	if ($word eq 'submit') {
		my $number = $smpp->submit_sm(
			async => 1, source_addr_ton => 5, source_addr => 'SHOP', dest_addr_ton => 1, dest_addr_npi => 1,
			destination_addr => $command->{to}, registered_delivery => 1,
			short_message => pack('H*', $command->{text}),
			data_coding => $command->{data_coding} // 0, esm_class => $command->{esm_class} // 0,
		);
		$tags{$number} = $command->{tag};
	} elsif ($word eq 'enquire_link') {
		$smpp->enquire_link(async => 1);
	} elsif ($word eq 'unbind') {
		$smpp->unbind(async => 1);
	}
}

sub hear {
	my $pdu = $smpp->read_pdu() or exit 0;
	my $cmd = $pdu->{cmd};
	if ($cmd == Net::SMPP::CMD_deliver_sm) {
		my ($id, $state) = ($pdu->{receipted_message_id} // '', $pdu->{message_state});
		$id =~ s/\0+$//;
		$smpp->deliver_sm_resp(message_id => '', seq => $pdu->{seq});
		say_event(
			event => 'deliver', from => $pdu->{source_addr}, to => $pdu->{destination_addr},
			esm_class => $pdu->{esm_class} + 0, data_coding => $pdu->{data_coding} + 0,
			text => unpack('H*', $pdu->{short_message}), receipted_message_id => $id,
			state => defined $state ? unpack('C', $state) : undef,
		);
	} elsif ($cmd == Net::SMPP::CMD_submit_sm_resp) {
		say_event(event => 'submitted', tag => $tags{$pdu->{seq}}, status => $pdu->{status}, id => $pdu->{message_id});
	} elsif ($cmd == Net::SMPP::CMD_enquire_link) {
		$smpp->enquire_link_resp(seq => $pdu->{seq});
	} elsif ($cmd == Net::SMPP::CMD_enquire_link_resp) {
		say_event(event => 'enquire_link_answer', status => $pdu->{status});
	} elsif ($cmd == Net::SMPP::CMD_unbind) {
		$smpp->unbind_resp(seq => $pdu->{seq});
		say_event(event => 'unbind');
		exit 0;
	} elsif ($cmd == Net::SMPP::CMD_unbind_resp) {
		say_event(event => 'unbind_answer', status => $pdu->{status});
		exit 0;
	}
}

while (1) {
	for my $ready ($select->can_read()) {
		if ($ready == $smpp) {
			hear();
			next;
		}
		sysread(STDIN, $input, 65536, length $input) or exit 0;
		obey($1) while $input =~ s/^(.*)\n//;
	}
}
