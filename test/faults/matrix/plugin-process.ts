/**
 * The kit's mock as a plugin. `config.fault` says how it fails, until there is a file `healed` in `config.folder`; there
 * it notes its process in `pid`, and in `asked` what it was asked for.
 */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Backend, type Part, serve, toText } from 'lmapp-kit'

interface Config {
  fault: string
  folder: string
  /** What it answers. */
  reply: string
}

const held = { fault: { kind: 'stall', afterTokens: 3 } }

const scripts: Record<string, object> = {
  hang: { fault: { kind: 'hang' } },
  '500': { fault: { kind: 'fail-at-once' } },
  'drop-first': { fault: { kind: 'crash-process', afterTokens: 0 } },
  'drop-later': held,
  'clean-end': { fault: { kind: 'clean-end', afterTokens: 3 } },
  'error-line': { fault: { kind: 'error', afterTokens: 3, code: 'stream-incomplete' } },
  garbage: { fault: { kind: 'malformed', afterTokens: 3 } },
  stall: held,
  'kill-engine': held,
  'kill-service': held,
  echo: { paceMs: 3 },
  'slow-load': { load: { steps: 8, stepMs: 800 } },
}

await serve({
  name: 'fake',
  version: '1.0.0',
  async open(context) {
    const { fault, folder, reply } = context.config as unknown as Config
    const isHealed = () => existsSync(join(folder, 'healed'))
    writeFileSync(join(folder, 'pid'), String(process.pid))
    if (fault === 'refused' && !isHealed()) process.exit(3)
    const { createMockBackend } = await import('lmapp-kit/testkit')
    const well = createMockBackend({ models: { [fault]: { reply } } })
    const failing = createMockBackend({ models: { [fault]: { reply, ...scripts[fault] } } })
    const backend: Backend = {
      async start() {
        while (fault === 'stop-starting' && !isHealed()) await pause(10)
        await Promise.all([well.start(), failing.start()])
      },
      async stop() {
        await Promise.all([well.stop(), failing.stop()])
      },
      isRunning: () => well.isRunning(),
      listModels: () => well.listModels(),
      getInfo: () => well.getInfo(),
      chat(request, options) {
        const question = request.messages.findLast(({ role }) => role === 'user')
        appendFileSync(join(folder, 'asked'), `${toText(question?.content ?? [])}\n`)
        if (isHealed()) return well.chat(request, options)
        const parts = failing.chat(request, options)
        return fault === 'drop-later' ? dieAfter(3, parts) : parts
      },
      [Symbol.asyncDispose]: () => backend.stop(),
    }
    return backend
  },
})

/** Once all of them have left: unlike the mock's own crash, which takes along what is still to be written. */
async function* dieAfter(deltas: number, parts: AsyncIterable<Part>): AsyncGenerator<Part> {
  let seen = 0
  for await (const part of parts) {
    yield part
    if (part.type === 'text-delta') seen += 1
    if (seen < deltas) continue
    await pause(100)
    process.kill(process.pid, 'SIGKILL')
  }
}
