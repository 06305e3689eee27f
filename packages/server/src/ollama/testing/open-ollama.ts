import type { Dictation } from '../../testing/dictated-backend.ts'
import { startTestService, type TestService } from '../../testing/test-app.ts'

export interface PostOptions {
  method?: string
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** A service as clients of Ollama see it, with an engine that can do all there is. */
export interface OllamaService extends AsyncDisposable {
  service: TestService
  /** What the models were called for: `load dictated/tiny`. */
  calls: string[]
  /** As a guest does it. */
  post(path: string, body: unknown, options?: PostOptions): Promise<Response>
  /** Posts what an engine is to answer, and resolves when it was asked. Throws when there was an answer before. */
  ask(path: string, body: object, options?: PostOptions): Promise<{ dictation: Dictation; answer: Promise<Response> }>
}

export async function openOllama(): Promise<OllamaService> {
  const service = await startTestService()
  const calls: string[] = []
  Object.assign(service.backend.backend, {
    getInfo: async () => ({
      name: 'dictated',
      version: '1',
      interfaceVersion: '1.0',
      capabilities: {
        chat: 'yes',
        continue: 'yes',
        vision: 'yes',
        'json-schema': 'yes',
        tools: 'yes',
        logprobs: 'yes',
      },
    }),
  })
  const note = (what: string) => async (_caller: unknown, ref: string) => {
    calls.push(`${what} ${ref}`)
    return { ref }
  }
  Object.assign(service.app.models, { load: note('load'), unload: note('unload'), remove: note('remove') })

  const post: OllamaService['post'] = (path, body, { method = 'POST', headers = {}, signal } = {}) =>
    fetch(service.address + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal && { signal }),
    })

  return {
    service,
    calls,
    post,
    async ask(path, body, options) {
      const answer = post(path, body, options)
      const early = answer.then(async (response) => {
        throw new Error(`${response.status} ${await response.clone().text()}`)
      })
      const dictation = await Promise.race([service.backend.nextChat(), early])
      early.catch(() => {})
      return { dictation, answer }
    },
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  }
}

/** From now on the model cannot see images. */
export function makeBlind({ service }: OllamaService): void {
  const tiny = { id: 'tiny', loaded: true, capabilities: { vision: 'no' } }
  Object.assign(service.backend.backend, { listModels: async () => [tiny] })
}

type Fields = Record<string, unknown>

export async function linesOf(response: Response): Promise<Fields[]> {
  const lines = (await response.text()).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}

export async function jsonOf(response: Response): Promise<Fields> {
  return JSON.parse(await response.text())
}

export function warningOf(response: Response): string {
  return response.headers.get('x-lmapp-warning') ?? ''
}
