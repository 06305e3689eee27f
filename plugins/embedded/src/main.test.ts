import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { realConfig, toRequest, user } from './fixtures/real-model.ts'
import { openTemporaryFolder } from './fixtures/temporary-folder.ts'

interface Line {
  id?: number
  method?: string
  params?: { parts?: { type: string; text?: string }[] }
  result?: Record<string, unknown>
}

test('as a program: it says hello, answers on stdout and nothing else, and ends with its input', async () => {
  await using folder = await openTemporaryFolder()
  const program = spawn(process.execPath, ['--conditions=lmapp-source', join(import.meta.dirname, 'main.ts')])
  const lines: Line[] = []
  const arrived: (() => void)[] = []
  createInterface({ input: program.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line) as Line)
    for (const wake of arrived.splice(0)) wake()
  })
  let next = 0
  const call = async (method: string, params: unknown = {}): Promise<Record<string, unknown> | undefined> => {
    const id = ++next
    program.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
    for (;;) {
      const answer = lines.find((line) => line.id === id)
      if (answer) return answer.result
      await new Promise<void>((resolve) => arrived.push(resolve))
    }
  }

  const hello = await call('hello', {
    interfaceVersions: ['1.0'],
    nonce: 'n',
    config: realConfig,
    secrets: {},
    limits: { maxLineBytes: 8_388_608, inlineLimitBytes: 1_048_576, cancelDeadlineMs: 5000 },
    dataDir: folder.path,
    exchangeDir: folder.path,
  })
  assert.equal((hello?.info as { name?: string }).name, 'embedded')
  await call('start')
  const finish = await call('chat', {
    request: toRequest({ messages: [user('Say hello.')], options: { maxTokens: 4 } }),
    credit: 256,
  })
  assert.equal(finish?.type, 'finish')
  const parts = lines.flatMap((line) => (line.method === 'parts' ? (line.params?.parts ?? []) : []))
  assert.ok(parts.some((part) => part.type === 'text-delta' && part.text))
  assert.ok(lines.some((line) => line.method === 'state_changed'))
  program.stdin.end()
  assert.deepEqual(await once(program, 'exit'), [0, null])
})
