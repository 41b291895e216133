// An SMSC made of the npm package `smpp`, for tests: it takes what comes, logs it, and sends receipts and MOs.
//
// Settings, as JSON in the first argument or by {"do": "set", ...}:
//   password     anything else is refused with 0x0e; null takes all
//   hex_ids      ids in the response in hexadecimal, in the receipt in decimal
//   receipts     "after" the response (default), "early" before it, or "none"
//   form         "text", "tlv" or "both" (default)
//   copies       how often each receipt is sent, 1 by default
//   throttle     how many of the next submits are answered with 0x58
//   silent       how many of the next submits are never answered, though taken
//   reverse      how many responses are gathered and then sent in reverse order; 1 by default
// Commands: set, mo {from, to, text | hex, data_coding, udh}, drop, unbind, enquire_link.
'use strict';

const smpp = require('smpp');
const {say, obey, describe} = require('./lines');

const settings = Object.assign(
	{password: null, hex_ids: false, receipts: 'after', form: 'both', copies: 1, throttle: 0, silent: 0, reverse: 1},
	JSON.parse(process.argv[2] || '{}'),
);

// By how much an early receipt comes before its response: enough that no client reads both at once.
const EARLY_MS = 50;

const sessions = new Set();
const gathered = [];
let nextId = 1000000;

function receiptText(id) {
	const two = (number) => String(number).padStart(2, '0');
	const now = new Date();
	const date = two(now.getUTCFullYear() % 100) + two(now.getUTCMonth() + 1) + two(now.getUTCDate())
		+ two(now.getUTCHours()) + two(now.getUTCMinutes());
	return `id:${id} sub:001 dlvrd:001 submit date:${date} done date:${date} stat:DELIVRD err:000 text:`;
}

function sendReceipt(session, id, submit) {
	const fields = {
		source_addr: submit.destination_addr,
		source_addr_ton: submit.dest_addr_ton,
		source_addr_npi: submit.dest_addr_npi,
		destination_addr: submit.source_addr,
		dest_addr_ton: submit.source_addr_ton,
		dest_addr_npi: submit.source_addr_npi,
		esm_class: 4,
		data_coding: 0,
	};
	fields.short_message = settings.form === 'tlv' ? Buffer.alloc(0) : Buffer.from(receiptText(id), 'ascii');
	if (settings.form !== 'text') {
		fields.receipted_message_id = id;
		fields.message_state = 2;
	}
	for (let copy = 0; copy < settings.copies; copy += 1) {
		session.deliver_sm(fields, (answer) => say('receipt_answer', {id, command_status: answer.command_status}));
	}
}

function answer(session, submit, id) {
	gathered.push(() => session.send(submit.response({message_id: settings.hex_ids ? id.toString(16) : String(id)})));
	if (gathered.length >= settings.reverse) {
		gathered.reverse().forEach((send) => send());
		gathered.length = 0;
	}
}

function take(session, submit) {
	if (settings.throttle > 0) {
		settings.throttle -= 1;
		say('submit', {...describe(submit), command_status: smpp.ESME_RTHROTTLED});
		session.send(submit.response({command_status: smpp.ESME_RTHROTTLED}));
		return;
	}
	const id = nextId;
	nextId += 1;
	say('submit', {...describe(submit), command_status: 0, id: String(id)});
	const asked = submit.registered_delivery & 3;
	if (asked && settings.receipts === 'early') {
		sendReceipt(session, String(id), submit);
	}
	if (settings.silent > 0) {
		settings.silent -= 1;
	} else if (settings.receipts === 'early') {
		setTimeout(() => answer(session, submit, id), EARLY_MS);
	} else {
		answer(session, submit, id);
	}
	if (asked && settings.receipts === 'after') {
		sendReceipt(session, String(id), submit);
	}
}

function serve(session) {
	sessions.add(session);
	const bind = (mode) => (pdu) => {
		if (settings.password !== null && pdu.password !== settings.password) {
			say('refused', {system_id: pdu.system_id});
			session.send(pdu.response({command_status: smpp.ESME_RINVPASWD}));
			session.close();
			return;
		}
		session.send(pdu.response({system_id: 'npm'}));
		say('bound', {system_id: pdu.system_id, mode, interface_version: pdu.interface_version});
	};
	session.on('bind_transceiver', bind('transceiver'));
	session.on('bind_transmitter', bind('transmitter'));
	session.on('bind_receiver', bind('receiver'));
	session.on('submit_sm', (pdu) => take(session, pdu));
	session.on('enquire_link', (pdu) => {
		session.send(pdu.response());
		say('enquire_link', {});
	});
	session.on('unbind', (pdu) => {
		session.send(pdu.response());
		session.close();
		say('unbind', {});
	});
	session.on('error', (error) => say('error', {message: String(error.message || error)}));
	session.on('close', () => {
		sessions.delete(session);
		say('closed', {});
	});
}

obey({
	set: (fields) => {
		Object.assign(settings, fields);
		say('set', {});
	},
	mo: ({from, to, text, hex, data_coding: dataCoding, udh}) => {
		const fields = {source_addr: from, source_addr_ton: 1, source_addr_npi: 1, destination_addr: to};
		if (dataCoding !== undefined) {
			fields.data_coding = dataCoding;
		}
		fields.short_message = hex === undefined ? {message: text} : Buffer.from(hex, 'hex');
		if (udh !== undefined) {
			fields.short_message.udh = Buffer.from(udh, 'hex');
		}
		const [session] = sessions;
		session.deliver_sm(fields, (pdu) => say('mo_answer', {command_status: pdu.command_status}));
	},
	drop: () => sessions.forEach((session) => session.destroy()),
	unbind: () => sessions.forEach((session) => session.unbind((pdu) => {
		say('unbind_answer', {command_status: pdu.command_status});
		session.close();
	})),
	enquire_link: () => sessions.forEach((session) => session.enquire_link((pdu) => {
		say('enquire_link_answer', {command_status: pdu.command_status});
	})),
});

const server = smpp.createServer(serve);
server.listen(0, '127.0.0.1', () => say('listening', {port: server.address().port}));
