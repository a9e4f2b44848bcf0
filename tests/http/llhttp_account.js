// SPDX-License-Identifier: MIT
//
// What Node's HTTP parser, llhttp, makes of streams of bytes: the same lines as http_account.c, from the streams in the
// file argv[2]. Every lenient option is off. `!code` stands for an error. Exit status 77: this Node gives no access.
'use strict';
const fs = require('fs');

let binding;
try {
  binding = process.binding('http_parser');
  if (binding.HTTPParser.kLenientNone === undefined) throw new Error('it has no kLenientNone');
} catch (error) {
  console.error(`no access to the parser of Node ${process.version}: ${error.message}`);
  process.exit(77);
}
const { HTTPParser } = binding;
const METHODS = binding.allMethods || binding.methods; // in the order of their numbers
const HEAD_BYTES_MAX = 1 << 20; // ours has a limit that is tested elsewhere

const hex = (text) => Buffer.from(text, 'latin1').toString('hex');

function account(stream) {
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {}, HEAD_BYTES_MAX, HTTPParser.kLenientNone);
  let line = '', head = null, body = [], fields = [], url = '', inside = false, over = false;
  parser[HTTPParser.kOnMessageBegin] = () => { inside = true; };
  // A head of many fields comes in parts.
  parser[HTTPParser.kOnHeaders] = (part, target) => { fields.push(...part); url += target; };
  parser[HTTPParser.kOnHeadersComplete] = (major, minor, part, method, target, status, text, upgrade, keepAlive) => {
    fields.push(...(part || []));
    head = { method: METHODS[method], version: `${major}.${minor}`, target: url + (target || ''), keepAlive };
    return 0;
  };
  parser[HTTPParser.kOnBody] = (bytes, start, count) => {
    body.push(Buffer.from(start === undefined ? bytes : bytes.subarray(start, start + count)));
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    if (over) return;
    let text = '';
    for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}:${fields[i + 1]}\n`;
    line += `${head.method},${head.version},${hex(head.target)},${hex(text)},${Buffer.concat(body).toString('hex')} `;
    over = !head.keepAlive;
    inside = false;
    head = null;
    body = [];
    fields = [];
    url = '';
  };
  const result = parser.execute(stream, 0, stream.length);
  parser.close();
  if (over) return `${line}close`;
  if (result instanceof Error) return `${line}!${result.code}`;
  if (result < stream.length) return `${line}upgrade`;
  return line + (inside ? 'more' : '.');
}

const streams = fs.readFileSync(process.argv[2]);
const lines = [];
for (let at = 0; at < streams.length;) {
  const count = streams.readUInt32LE(at);
  lines.push(account(streams.subarray(at + 4, at + 4 + count)));
  at += 4 + count;
}
lines.push('');
fs.writeFileSync(1, lines.join('\n'));
