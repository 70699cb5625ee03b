import { Agent, request } from 'node:http';

/** Posts a body over kept-alive connections for two seconds and prints the rate of answers with status 200. Arguments: URL, connections, body. */
const [url, connections, body] = process.argv.slice(2) as [string, string, string];
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const token = process.env['BENCH_TOKEN'] ?? '';
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...(token === '' ? {} : { authorization: `Bearer ${token}` }) };

function once(): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method: 'POST', headers }, (response) => {
      response.resume();
      response.on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`))));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const started = performance.now();
const end = started + 2000;
let done = 0;
await Promise.all(Array.from({ length: Number(connections) }, async () => {
  while (performance.now() < end) {
    await once();
    done += 1;
  }
}));
process.stdout.write(String(done / ((performance.now() - started) / 1000)));
agent.destroy();
