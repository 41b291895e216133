// JSON lines both ways: events on standard output, commands on standard input. The end of input ends the program,
// so that a peer never outlives its test.
'use strict';

const readline = require('readline');

function say(event, fields) {
	process.stdout.write(JSON.stringify({event, ...fields}) + '\n');
}

function obey(commands) {
	const input = readline.createInterface({input: process.stdin});
	input.on('line', (line) => {
		const {do: name, ...fields} = JSON.parse(line);
		commands[name](fields);
	});
	input.on('close', () => process.exit(0));
}

// What the package made of a text: its own decoding, which is the point of asking a second opinion.
function read(pdu) {
	const value = pdu.short_message || {};
	const udh = value.udh ? Buffer.concat(value.udh).toString('hex') : '';
	const message = value.message;
	return Buffer.isBuffer(message) ? {udh, hex: message.toString('hex')} : {udh, text: message || ''};
}

function describe(pdu) {
	return {
		source: pdu.source_addr,
		destination: pdu.destination_addr,
		source_ton: pdu.source_addr_ton,
		dest_ton: pdu.dest_addr_ton,
		data_coding: pdu.data_coding,
		esm_class: pdu.esm_class,
		registered_delivery: pdu.registered_delivery,
		validity_period: pdu.validity_period,
		...read(pdu),
	};
}

module.exports = {say, obey, describe};
