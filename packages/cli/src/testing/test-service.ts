import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LmappClient } from 'lmapp-client'
import type { Connection } from '../context.ts'
import { connect } from '../service/connect.ts'
import { createService, type Service } from '../service/create-service.ts'
import { ensureServicePlaces, findPlaces } from '../service/service-places.ts'

/** The real service in this process, on a socket of its own, with scripted models and an empty history. */
export interface TestService extends AsyncDisposable {
  readonly home: string
  readonly environment: NodeJS.ProcessEnv
  readonly client: LmappClient
  readonly service: Service
  connect(options: { start: boolean }): Promise<Connection>
}

/** `models`: a `MockScript` for each. */
export async function openTestService(models: Record<string, unknown>, config: object = {}): Promise<TestService> {
  const home = mkdtempSync(join(tmpdir(), 'lmapp-cli-'))
  const environment: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    LMAPP_HOME: home,
    LMAPP_TERMINAL: 'test',
    XDG_RUNTIME_DIR: home,
  }
  const off = (type: string) => ({ type, enabled: false })
  const found = ['embedded', 'ollama', 'llama-server', 'lm-studio']
  const backends = { box: { type: 'mock', models }, ...Object.fromEntries(found.map((type) => [type, off(type)])) }
  writeFileSync(join(home, 'config.json'), JSON.stringify({ backends, ...config }))
  const places = findPlaces(environment)
  ensureServicePlaces(places)
  const service = await createService({
    places,
    environment,
    foreground: false,
    log: () => {},
    onStop: () => {},
  })
  await service.server.listenSocket(places.socket)
  const open = (options: { start: boolean }) => connect({ ...options, start: false, environment })
  const { client } = await open({ start: false })
  return {
    home,
    environment,
    client,
    service,
    connect: open,
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      rmSync(home, { recursive: true, force: true })
    },
  }
}
