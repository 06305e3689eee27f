import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Backend, ChatRequest } from 'lmapp-kit'
import { createNodeCliBackend, type Surroundings } from '../../src/backend.ts'

/** The program that plays a model, as a command runs it. */
export const model = [process.execPath, join(import.meta.dirname, '../fixtures/model.mjs')]

/** A script of a few lines, run by the Node that runs this. */
export const script = (source: string, ...args: string[]): string[] => [process.execPath, '-e', source, '--', ...args]

/** A backend with a folder of its own, which goes with it. */
export async function createBackend(config: object, more: Partial<Surroundings> = {}): Promise<Backend> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lmapp-node-cli-'))
  const backend = createNodeCliBackend(config, { dataDir, ...more })
  return {
    ...backend,
    async [Symbol.asyncDispose]() {
      await backend[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export async function openBackend(config: object, more: Partial<Surroundings> = {}): Promise<Backend> {
  const backend = await createBackend(config, more)
  await backend.start()
  return backend
}

export function ask(text: string, more: Partial<ChatRequest> = {}): ChatRequest {
  return { model: 'it', messages: [{ role: 'user', content: [{ type: 'text', text }] }], ...more }
}
