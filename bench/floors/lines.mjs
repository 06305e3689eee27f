/**
 * The least of a plugin: answers the line `ping` with a line, and the line `N` with so many parts, 64 in a line, as a
 * plugin writes them, and an empty line.
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const part = { type: 'text-delta', text: 'word ' }
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'ping') process.stdout.write('{"method":"pong"}\n')
  for (let sent = 0, seq = 1; sent < Number(line); sent += 64, seq++) {
    const params = { id: 1, seq, parts: Array(64).fill(part) }
    if (!process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'parts', params })}\n`)) {
      await once(process.stdout, 'drain')
    }
  }
  if (line !== 'ping') process.stdout.write('\n')
}
