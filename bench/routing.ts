import { type BackendType, createBackendRegistry } from '../packages/core/src/backends/index.ts'
import { parseConfig } from '../packages/core/src/config/index.ts'
import { resolveCandidates } from '../packages/core/src/routing/resolve.ts'
import { createMockBackend } from '../packages/kit/src/testkit/index.ts'
import { ms } from './measure.ts'

type Row = (what: string, measured: string, floor: string, goal: string, met: boolean) => void

const requests = 5_000

/** What finding the candidates and asking their breakers costs a request: an alias of ten, five of them left out. */
export async function measureRouting(row: Row): Promise<void> {
  const ids = Array.from({ length: 10 }, (_, n) => `box${n}`)
  const backends = Object.fromEntries(ids.map((id) => [id, { type: 'mock', models: { m: {} } }]))
  const text = JSON.stringify({ backends, aliases: { best: ids.map((id) => `${id}/m`) } })
  const { config } = parseConfig(text, 'config.json')
  const mock: BackendType = {
    name: 'mock',
    execution: 'built-in',
    owner: 'lmapp',
    create: () => createMockBackend({ models: {} }),
  }
  const types = new Map([[mock.name, mock]])
  await using registry = createBackendRegistry({
    types: async () => types,
    config: async () => config,
    automatic: async () => [],
    context: () => ({ timeouts: config.timeouts, dataDir: '', logFile: '', modelsDir: '' }),
  })
  const library = { list: async () => [], defaultModel: { name: 'none' } as never }
  const route = async () => {
    const options = { backends: registry, config, environment: {}, library, allowFetch: false, offline: true }
    const { candidates } = await resolveCandidates('best', options)
    return candidates.find(({ target }) => target.breaker.admits())
  }
  for (let n = 0; n < 500; n += 1) await route()
  const startedAt = performance.now()
  for (let n = 0; n < requests; n += 1) (await route())?.target.breaker.succeeded()
  const each = (performance.now() - startedAt) / requests
  row('routing and breakers, for each request', `${ms(each)}`, '–', '≤ 0.1 ms', each <= 0.1)
}
