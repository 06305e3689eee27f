import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const manifest = {
  name: 'stranger',
  version: '1.0.0',
  language: 'node',
  interface_version: '1.0',
  methods: ['start', 'stop', 'is_running', 'chat', 'list_models', 'get_info'],
  execution: 'subprocess',
  command: ['node', 'stranger.js'],
}

/** Knows `specs/` and nothing of lmapp; the name of a model says how it fails. */
const program = `
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const info = { name: 'stranger', version: '1.0.0', interfaceVersion: '1.0', capabilities: { chat: 'yes' } }
const answers = {
  hello: ({ nonce }) => ({ interfaceVersion: '1.0', nonce, info }),
  start: () => ({}),
  stop: () => ({}),
  get_info: () => info,
  is_running: () => ({ running: true, state: 'running', active: 0, queued: 0, models: [] }),
  list_models: () => ({ models: [{ id: 'breaks' }, { id: 'reads-on' }] }),
}
function chat(id, { model }) {
  const reads = model === 'reads-on'
  const part = reads ? { type: 'status', phase: 'prompt' } : { type: 'text-delta', words: 'Hello' }
  send({ method: 'parts', params: { id, seq: 1, parts: [part] } })
  if (!reads) send({ id, result: { type: 'finish', reason: 'stop', usage: {} } })
}
let rest = ''
process.stdin.setEncoding('utf8').on('data', (text) => {
  const lines = (rest + text).split('\\n')
  rest = lines.pop()
  for (const line of lines) {
    const { id, method, params } = JSON.parse(line)
    if (method === 'cancel') process.exit(0)
    if (method === 'chat') chat(id, params.request)
    else if (id !== undefined) send({ id, result: answers[method](params) })
  }
})
process.stdin.on('end', () => process.exit(0))
`

/** Puts plugins into a home: `stranger`, and three that cannot even start. */
export async function installFakePlugins(homeDir: string): Promise<void> {
  const install = async (changes: Partial<typeof manifest> & { address?: string }, files: Record<string, string>) => {
    const folder = join(homeDir, 'backends', changes.name ?? manifest.name)
    await mkdir(folder, { recursive: true })
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
    await writeFile(join(folder, 'lmapp-backend.json'), JSON.stringify({ ...manifest, ...changes }))
  }
  await install({}, { 'stranger.js': program })
  await install({ name: 'without-program', command: ['./no-such-program'] }, {})
  await install({ name: 'from-tomorrow', interface_version: '2.0' }, {})
  await install({ name: 'by-grpc', execution: 'grpc', address: 'unix:nowhere' }, {})
}
