/** Whatever lmapp started ends with it, whichever way it ends. */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { bare, createHome, isAlive, type Running, untilGone } from '../support/home.ts'

/**
 * A backend that heeds neither SIGTERM nor the end of its stdin, and has two children: one in its group, and one that
 * left it. It says who they are in a file, and answers with a word that is not its last.
 */
const stubborn = `
const { spawn } = require('node:child_process')
const { writeFileSync } = require('node:fs')
const sleep = (detached) => spawn('sleep', ['100000'], { detached, stdio: 'ignore' }).pid
writeFileSync('family.json', JSON.stringify({ own: process.pid, child: sleep(false), stray: sleep(true) }))
process.on('SIGTERM', () => {})
setInterval(() => {}, 1_000_000)
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const info = { name: 'stubborn', version: '0.1.0', interfaceVersion: '1.0', capabilities: { chat: 'yes' } }
const answers = {
  hello: ({ nonce }) => ({ interfaceVersion: '1.0', nonce, info }),
  start: () => ({}),
  get_info: () => info,
  is_running: () => ({ running: true, state: 'running', active: 0, queued: 0, models: [] }),
  list_models: () => ({ models: [{ id: 'm' }] }),
}
let rest = ''
process.stdin.setEncoding('utf8').on('data', (text) => {
  const lines = (rest + text).split('\\n')
  rest = lines.pop()
  for (const { id, method, params } of lines.map((line) => JSON.parse(line))) {
    if (method === 'chat') send({ method: 'parts', params: { id, seq: 1, parts: [{ type: 'text-delta', text: 'Wait' }] } })
    else if (id !== undefined && answers[method]) send({ id, result: answers[method](params) })
  }
})
`
const manifest = {
  name: 'stubborn',
  version: '0.1.0',
  language: 'node',
  interface_version: '1.0',
  methods: ['start', 'stop', 'is_running', 'chat', 'list_models', 'get_info'],
  execution: 'subprocess',
  command: ['node', 'stubborn.cjs'],
}

interface Family {
  own: number
  child: number
  stray: number
}

describe('what lmapp started', { concurrency: true }, () => {
  it('ends with a service that is killed; what left its group ends when the next service starts', async () => {
    await using room = await openRoom()
    const { family, servicePid, command } = await room.startAnswer()
    // The command would find a new service, and go on with its answer.
    command.process.kill('SIGKILL')
    process.kill(servicePid, 'SIGKILL')
    await untilGone(family.own)
    await untilGone(family.child)
    assert.ok(isAlive(family.stray))
    await room.home.lmapp(['backends', 'list'])
    await untilGone(family.stray)
    const { stdout } = await room.home.lmapp(['service', 'logs'])
    assert.match(stdout, /ended what an earlier service left behind: /)
  })

  it('ends with a service that is asked to end, what left its group too', async () => {
    await using room = await openRoom()
    const { family, servicePid, command } = await room.startAnswer()
    await room.home.lmapp(['service', 'stop'])
    for (const pid of Object.values(family)) await untilGone(pid)
    await untilGone(servicePid)
    await command.ended
  })

  it('ends by hand', async () => {
    await using room = await openRoom()
    const { family, command } = await room.startAnswer()
    const stopped = await room.home.lmapp(['backends', 'stop', 'stubborn'])
    assert.deepEqual([stopped.code, stopped.stderr], [0, 'lmapp: stubborn is stopped.\n'])
    for (const pid of Object.values(family)) await untilGone(pid)
    assert.equal((await command.ended).code, 7)
  })

  it('ends when its engine is killed by somebody else: its children go with it', async () => {
    await using room = await openRoom()
    const { family, command } = await room.startAnswer()
    process.kill(family.own, 'SIGKILL')
    for (const pid of Object.values(family)) await untilGone(pid)
    assert.equal((await command.ended).code, 7)
    const backends: { name: string; state: string }[] = JSON.parse(
      (await room.home.lmapp(['backends', 'list', '--json'])).stdout,
    )
    assert.equal(backends.find(({ name }) => name === 'stubborn')?.state, 'failed')
  })
})

async function openRoom() {
  const home = await createHome(bare)
  const folder = join(home.dir, 'backends/stubborn')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'lmapp-backend.json'), JSON.stringify(manifest))
  await writeFile(join(folder, 'stubborn.cjs'), stubborn)
  return {
    home,
    async startAnswer(): Promise<{ family: Family; servicePid: number; command: Running }> {
      const command = home.start(['-m', 'stubborn/m', 'Go on.'])
      await command.untilStdout('Wait')
      const family: Family = JSON.parse(await readFile(join(folder, 'family.json'), 'utf8'))
      const servicePid = await home.servicePid()
      assert.ok(servicePid)
      for (const pid of Object.values(family)) assert.ok(isAlive(pid))
      return { family, servicePid, command }
    },
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}
