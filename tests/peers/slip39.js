// The npm package slip39 for custody.py: one request in JSON a line, one answer a line.
'use strict';
const path = require('node:path');
const readline = require('node:readline');
const Slip39 = require(path.join(process.argv[2], 'node_modules', 'slip39'));

const answers = {
  split({ secret, threshold, count }) {
    const made = Slip39.fromArray([...Buffer.from(secret, 'hex')], {
      passphrase: '',
      threshold: 1,
      groups: [[threshold, count]],
      title: 'breakglass',
    });
    return { shares: made.fromPath('r/0').mnemonics };
  },
  combine({ shares }) {
    return { secret: Buffer.from(Slip39.recoverSecret(shares, '')).toString('hex') };
  },
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = answers[request.do](request);
  } catch (error) {
    answer = { refused: String(error.message ?? error) };
  }
  console.log(JSON.stringify(answer));
});
