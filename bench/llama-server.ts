import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'

export interface LlamaServerOptions {
  program: string
  /** Path of its GGUF file. */
  model: string
  threads: number
  /** In tokens. */
  contextLength: number
}

/** The real llama-server with one slot, on a loopback port; ready when this resolves. */
export async function openLlamaServer(options: LlamaServerOptions): Promise<{ url: string } & AsyncDisposable> {
  const port = String(20_000 + (process.pid % 20_000))
  const { program, model, threads, contextLength } = options
  const place = ['--host', '127.0.0.1', '--port', port]
  const args = ['-m', model, ...place, '-t', `${threads}`, '-c', `${contextLength}`, '-np', '1', '--no-webui']
  const child = spawn(program, args, { stdio: 'ignore' })
  const closed = once(child, 'close')
  const url = `http://127.0.0.1:${port}`
  while (!(await isReady(url))) await new Promise((resolve) => setTimeout(resolve, 50))
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill()
      await closed
    },
  }
}

async function isReady(url: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  http
    .get(`${url}/health`, (response) => resolve(response.resume().statusCode === 200))
    .on('error', () => resolve(false))
  return promise
}
