import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { dialects } from '../../../packages/server/src/routes/dialects.ts'
import type { Route } from '../../../packages/server/src/routes/route.ts'
import { toValue } from '../../../packages/server/src/testing/schema-values.ts'
import type { Random } from '../../soak/random.ts'
import { createHome, type Home, type Running, withMock } from '../../support/home.ts'
import { toJsonText, toNested } from '../json-grammar.ts'
import { mutateJson, mutateText } from '../mutate.ts'
import { fromBytes, type Input, type OpenTarget, type Target, toBytes, Wrong } from '../target.ts'

/**
 * A real `lmapp serve` over TCP, and bodies of which most are no requests: a method, a path and a body, a character for
 * a byte. It answers each as its dialect tells an error, or as asked, and in time; it never fails in a way that nobody
 * foresaw, never tells what somebody else said, and its memory stays what it was.
 */
export const api: Target = { name: 'api', share: 0.3, open: openApi }

const hangMs = 20_000
/** What is kept for too long fills this up, and ends the service. */
const heapMegabytes = 96
const mostMegabytes = 400
const secret = 'the-otter-sleeps-at-noon'

/** They would end the service, or take away what is looked for. */
const leftOut = new Set([
  'POST /lmapp/v1/service/stop',
  'DELETE /lmapp/v1/conversations/:id',
  'POST /lmapp/v1/conversations/prune',
])

const writes = dialects.flatMap(({ name, routes }) =>
  routes
    .filter(({ method, path }) => method !== 'GET' && !leftOut.has(`${method} ${path}`))
    .map((route) => ({ dialect: name, route })),
)

interface World {
  home: Home
  serving: Running
  address: string
  adminKey: string
  /** What stands for what somebody else has: their ids. */
  known: Readonly<Record<string, string>>
  isError: ReadonlyMap<string, ValidateFunction>
}

async function openApi(): Promise<OpenTarget> {
  const models = { count: { reply: 'one two three' }, echo: {}, embedder: { embedDimensions: 4 } }
  const home = await createHome(withMock(models, { model: 'box/count', timeouts: { stallMs: 2000, loadMs: 2000 } }))
  const env = { NODE_OPTIONS: `--max-old-space-size=${heapMegabytes}` }
  const serving = home.start(['serve', '--port', '0'], { env })
  const address = (await serving.untilStdout('\n')).trim()
  const createKey = async (name: string, scope: string) =>
    (await home.lmapp(['keys', 'create', name, '--scope', scope])).stdout.trim()
  const [adminKey, theirKey] = [await createKey('admin', 'admin'), await createKey('them', 'chat')]
  const known = await saySecret(address, theirKey, adminKey)
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const isError = new Map(dialects.map(({ name, errorSchema }) => [name, ajv.compile(errorSchema)]))
  const world = { home, serving, address, adminKey, known, isError }
  return {
    create: (random) => createRequest(random, Object.keys(known)),
    check: (input) => check(input, world),
    async [Symbol.asyncDispose]() {
      serving.process.kill('SIGTERM')
      await serving.ended
      await home[Symbol.asyncDispose]()
    },
  }
}

/** Somebody with a key asks, and has it kept in both ways that there are. */
async function saySecret(address: string, theirKey: string, adminKey: string): Promise<World['known']> {
  const ask = async (path: string, body: object, headers: Record<string, string>) => {
    const answer = await fetch(address + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'box/echo', ...body }),
    })
    assert.equal(answer.status, 200)
    return { run: answer.headers.get('x-lmapp-run') ?? '', body: (await answer.json()) as { id: string } }
  }
  const theirs = { authorization: `Bearer ${theirKey}` }
  const response = await ask('/v1/responses', { input: secret }, theirs)
  const messages = [{ role: 'user', content: secret }]
  await ask('/v1/chat/completions', { messages }, { ...theirs, 'x-lmapp-history': 'on' })
  const listed = await fetch(`${address}/lmapp/v1/conversations`, { headers: { authorization: `Bearer ${adminKey}` } })
  const [conversation] = (await listed.json()) as { id: string; head: string }[]
  return {
    '<response>': response.body.id,
    '<run>': response.run,
    '<conversation>': conversation?.id ?? '',
    '<message>': conversation?.head ?? '',
  }
}

function createRequest(random: Random, known: readonly string[]): Input {
  const { route } = random.oneOf(writes)
  const path = route.path.replace(/:\w+\+?/, () => random.oneOf([...known, 'box', 'x', '%00', '%ff', '..%2f', 'é']))
  return [route.method, path, fromBytes(Buffer.from(createBody(random, route, known)))]
}

function createBody(random: Random, { path, body }: Route, known: readonly string[]): string {
  const value = body ? toValue(body.schema, random) : {}
  // What is there is to stay.
  const aim = path === '/api/delete' ? {} : toAim(random, known)
  const aimed = typeof value === 'object' && value !== null ? { ...value, ...aim } : value
  const json = JSON.stringify(aimed)
  return random.oneOf([
    () => json,
    () => mutateJson(random, aimed),
    () => mutateJson(random, aimed),
    () => mutateJson(random, aimed),
    () => mutateText(random, json),
    () => toJsonText(random),
    () => toNested(random, random.below(3000)),
  ])()
}

/** At what somebody else has, and at a model that is there. */
function toAim(random: Random, known: readonly string[]): object {
  const id = random.oneOf(known)
  const model = random.oneOf(['box/count', 'box/echo', 'box/embedder'])
  const reference = { type: 'item_reference', id }
  return random.oneOf([
    {},
    ...[{ model }, { model }, { model }],
    { model, previous_response_id: id },
    { model, conversation: id, message: id },
    { model, kind: random.oneOf(['retry', 'continue']), message: id },
    { model, input: [reference, { role: 'user', content: 'What was said?' }] },
  ])
}

async function check([method = '', path = '', body = '']: Input, world: World): Promise<void> {
  const found = writes.find(({ route }) => route.method === method && matches(route.path, path))
  if (!found) return
  const isAdmin = !['inference', 'list', 'pull', 'everyone'].includes(found.route.access)
  const { status, text, type } = await send(method, path, body, isAdmin, world)
  if (status >= 500 && ![501, 502, 503, 504, 507].includes(status)) throw new Wrong(`${status}: ${text.slice(0, 500)}`)
  if (!isAdmin && text.includes(secret)) throw new Wrong(`it told what somebody else had said: ${text.slice(0, 500)}`)
  if (status >= 400) {
    const isError = world.isError.get(found.dialect)
    assert.ok(
      type.startsWith('application/json') && isError?.(JSON.parse(text)),
      `no error of ${found.dialect}: ${text}`,
    )
  }
  lookAtProcess(world)
}

async function send(method: string, path: string, body: string, isAdmin: boolean, { address, adminKey, known }: World) {
  const fill = (text: string) => Object.entries(known).reduce((filled, [name, id]) => filled.replaceAll(name, id), text)
  try {
    const answer = await fetch(address + fill(path), {
      method,
      headers: { 'content-type': 'application/json', ...(isAdmin && { authorization: `Bearer ${adminKey}` }) },
      body: Uint8Array.from(toBytes(fill(body))),
      signal: AbortSignal.timeout(hangMs),
    })
    return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') ?? '' }
  } catch (cause) {
    throw new Wrong('there was no answer, or no end of it', { cause })
  }
}

function lookAtProcess({ serving: { process: child } }: World): void {
  if (child.exitCode !== null || child.signalCode !== null) throw new Wrong('the service ended')
  if (process.platform !== 'linux') return
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
  if (Number(kilobytes) > mostMegabytes * 1024) throw new Wrong(`it needs ${kilobytes} KiB`)
}

function matches(pattern: string, path: string): boolean {
  const segments = pattern.split('/')
  const given = path.split('/')
  return (
    segments.length === given.length && segments.every((segment, at) => segment[0] === ':' || segment === given[at])
  )
}
