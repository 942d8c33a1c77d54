import { answer, readFlags } from './answer.mjs';

// The smallest MCP server on stdio; see answer.mjs.
const eras = readFlags(process.argv.slice(2));
let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text) => {
  const lines = (rest + text).split('\n');
  rest = lines.pop();
  let out = '';
  for (const line of lines) {
    if (line === '') continue;
    const reply = answer(JSON.parse(line), eras);
    if (reply !== '') out += `${reply}\n`;
  }
  if (out !== '') process.stdout.write(out);
});
process.stdin.on('end', () => process.exit(0));
