import { createHash } from 'node:crypto'
import { type FakeServer, sendJson, startServer } from './fake-server.ts'

/** A hub of models: the name of a repository says how it fails. */
export function startFakeHub(): Promise<FakeServer> {
  return startServer((request, response) => {
    const [, repository = ''] = /\/someone\/([^/]+)/.exec(request.url ?? '') ?? []
    const file = files[repository]
    if (!file) return response.writeHead(410).end()
    if (request.url?.includes('/resolve/')) return response.end(content)
    const { size = content.length, oid } = file
    return sendJson(response, [{ type: 'file', path: 'tiny.Q4_K_M.gguf', size, lfs: { oid } }])
  })
}

const content = 'This is no model, whatever its name says.'
const trueSum = createHash('sha256').update(content).digest('hex')

const files: Readonly<Record<string, { size?: number; oid: string }>> = {
  'no-model': { oid: trueSum },
  damaged: { oid: trueSum.replaceAll(/./g, '0') },
  /** No disk has room for it. */
  huge: { size: 2 ** 52, oid: trueSum },
}
