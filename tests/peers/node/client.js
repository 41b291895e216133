// A client made of the npm package `smpp`, for tests: does what it is told, and tells what it hears.
//
// First argument: the port on 127.0.0.1. Commands: bind {mode, system_id, password}, submit {fields of submit_sm;
// `udh` in hexadecimal}, enquire_link, unbind.
'use strict';

const smpp = require('smpp');
const {say, obey, describe} = require('./lines');

const session = smpp.connect({host: '127.0.0.1', port: Number(process.argv[2])}, () => say('connected', {}));

session.on('error', (error) => say('error', {message: String(error.message || error)}));
session.on('close', () => say('closed', {}));
session.on('enquire_link', (pdu) => session.send(pdu.response()));
session.on('unbind', (pdu) => {
	session.send(pdu.response());
	session.close();
	say('unbind', {});
});
session.on('deliver_sm', (pdu) => {
	session.send(pdu.response());
	const receipt = pdu.receipted_message_id === undefined
		? {}
		: {receipted_message_id: pdu.receipted_message_id, message_state: pdu.message_state};
	say('deliver', {...describe(pdu), ...receipt});
});

obey({
	bind: ({mode, ...fields}) => session['bind_' + mode](fields, (pdu) => {
		say('bound', {command_status: pdu.command_status, system_id: pdu.system_id});
	}),
	submit: ({tag, udh, text, ...fields}) => {
		const message = udh === undefined ? {message: text} : {udh: Buffer.from(udh, 'hex'), message: text};
		session.submit_sm({...fields, short_message: message}, (pdu) => {
			say('submitted', {tag, command_status: pdu.command_status, id: pdu.message_id});
		});
	},
	enquire_link: () => session.enquire_link((pdu) => {
		say('enquire_link_answer', {command_status: pdu.command_status});
	}),
	unbind: () => session.unbind((pdu) => {
		say('unbind_answer', {command_status: pdu.command_status});
		session.close();
	}),
});
