import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { createEngineLog, createProcessRecords, type SpawnOptions, spawnChild } from './index.ts'

const fixtures = join(import.meta.dirname, 'fixtures')
const family = join(fixtures, 'family.mjs')

describe('a child process', () => {
  it('has the stdin, stdout and stderr of its program, and its exit code', async () => {
    await using room = await openRoom()
    const child = await room.spawn(['/bin/sh', '-c', 'read line; echo "got $line"; echo oops >&2; exit 7'])
    child.stdin.write('a word\n')
    assert.equal(await readAll(child.stdout), 'got a word\n')
    assert.deepEqual(await child.exited, { exitCode: 7, signal: null, stderr: ['oops'] })
  })

  it('sees the end of its stdin', async () => {
    await using room = await openRoom()
    const child = await room.spawn(['/bin/cat'])
    const { exitCode } = await child.end({ stdinMs: 10_000, terminateMs: 0 })
    assert.equal(exitCode, 0)
  })

  it('has a stdout that ends when it closes it, though it lives on', async () => {
    await using room = await openRoom()
    const child = await room.spawn(['/bin/sh', '-c', 'echo last; exec >&-; exec sleep 1000'])
    assert.equal(await readAll(child.stdout), 'last\n')
    const { signal } = await child.end({ stdinMs: 0, terminateMs: 10_000 })
    assert.equal(signal, 'SIGTERM')
  })

  it('gets SIGTERM when it does not heed the end of its stdin', async () => {
    await using room = await openRoom()
    const child = await room.spawn(['/bin/sh', '-c', 'exec sleep 1000'])
    const { exitCode, signal } = await child.end({ stdinMs: 0, terminateMs: 10_000 })
    assert.deepEqual({ exitCode, signal }, { exitCode: null, signal: 'SIGTERM' })
  })

  it('may take its time after SIGTERM', async () => {
    await using room = await openRoom()
    const child = await room.spawn([
      '/bin/sh',
      '-c',
      'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.01; done',
    ])
    const [first] = await once(child.stdout, 'data')
    assert.equal(`${first}`, 'up\n')
    const rest = readAll(child.stdout)
    const { exitCode } = await child.end({ stdinMs: 0, terminateMs: 10_000 })
    assert.equal(await rest, 'bye\n')
    assert.equal(exitCode, 3)
  })

  it('is killed with its group and with what left the group when it heeds nothing', async () => {
    await using room = await openRoom()
    const child = await room.spawn(['node', family, 'parent', 'stray'])
    const pids = await readPids(child.stdout)
    assert.equal(pids.length, 3)
    assert.deepEqual(pids.map(isAlive), [true, true, true])
    const { signal } = await child.end({ stdinMs: 0, terminateMs: 0 })
    assert.equal(signal, 'SIGKILL')
    for (const pid of pids) await untilGone(pid)
  })

  it('takes its children with it when it is killed by somebody else', async () => {
    await using room = await openRoom()
    const child = await room.spawn(['node', family, 'parent', 'stray'])
    const [own = 0, ...others] = await readPids(child.stdout)
    process.kill(own, 'SIGKILL')
    assert.equal((await child.exited).signal, 'SIGKILL')
    for (const pid of others) await untilGone(pid)
  })

  it('is a script without a shebang, too: the shell runs it where the kernel cannot', async () => {
    await using room = await openRoom()
    const script = join(room.dir, 'stub')
    await writeFile(script, 'MZqFpD=\'\n\'\necho "ran $1"\n')
    await chmod(script, 0o755)
    const child = await room.spawn([script, 'x'])
    assert.equal(await readAll(child.stdout), 'ran x\n')
  })

  it('cannot be what is no program: the error names it', async () => {
    await using room = await openRoom()
    await writeFile(join(room.dir, 'text'), 'x')
    for (const program of ['no-such-program', './text', room.dir]) {
      await assert.rejects(room.spawn([program], { cannotStartHint: 'Install it' }), (error) => {
        assert.ok(isLmappError(error, 'backend-start-failed'))
        return error.message.includes(program.replace('./', '')) && error.hint === 'Install it'
      })
    }
    await assert.rejects(room.spawn(['/bin/true'], { directory: join(room.dir, 'gone') }), (error) =>
      isLmappError(error, 'backend-start-failed'),
    )
  })
})

describe('a child whose owner is killed', () => {
  it('ends with all of its group, however stubborn', async () => {
    await using room = await openRoom()
    const { owner, pids } = await room.startOwner(['node', family])
    owner.kill('SIGKILL')
    for (const pid of pids) await untilGone(pid)
  })

  it('ends also while it is being asked to end', async () => {
    await using room = await openRoom()
    const { owner, pids, leader } = await room.startOwner(['node', family])
    process.kill(leader, 'SIGTERM')
    assert.deepEqual(pids.map(isAlive), [true, true])
    owner.kill('SIGKILL')
    for (const pid of pids) await untilGone(pid)
  })
})

describe('what an earlier owner left behind', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  it('is ended when the record proves that it was its own', async () => {
    await using room = await openRoom()
    const { owner, pids } = await room.startOwner(['node', family, 'parent', 'stray'])
    const [, , stray = 0] = pids
    owner.kill('SIGKILL')
    for (const pid of pids.slice(0, 2)) await untilGone(pid)
    assert.equal(isAlive(stray), true, 'it left the group before')
    assert.deepEqual(await room.records.reap(), [process.execPath])
    await untilGone(stray)
    assert.deepEqual(await readdir(room.recordsDir), [])
    assert.deepEqual(await room.records.reap(), [])
  })

  it('is left alone where pid, start or nonce are of another', async () => {
    await using room = await openRoom()
    const stranger = spawn('/bin/sleep', ['1000'], { env: { LMAPP_ENGINE_NONCE: 'another' } })
    await once(stranger, 'spawn')
    const pid = stranger.pid ?? 0
    await room.records.add({ pid, nonce: 'mine', program: 'sleep' })
    assert.deepEqual(await room.records.reap(), [])
    const file = join(room.recordsDir, 'broken.json')
    for (const text of [
      '',
      '{',
      '[]',
      'null',
      '{"pid":1,"startedAt":"0","nonce":"x","program":"init"}',
      '\0'.repeat(9),
    ]) {
      await writeFile(file, text)
      assert.deepEqual(await room.records.reap(), [], text)
    }
    const startedAt = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19]
    await writeFile(file, JSON.stringify({ pid, startedAt: `${startedAt}1`, nonce: 'x', program: 'sleep' }))
    assert.deepEqual(await room.records.reap(), [])
    assert.equal(isAlive(pid), true)
    stranger.kill('SIGKILL')
    await once(stranger, 'exit')
    await room.records.add({ pid, nonce: 'gone', program: 'sleep' })
    assert.deepEqual(await readdir(room.recordsDir), [])
  })

  it('has a record as long as it runs, and no longer', async () => {
    await using room = await openRoom()
    const child = await room.spawn(['/bin/cat'])
    const name = await untilRecorded(room.recordsDir)
    assert.equal(JSON.parse(await readFile(join(room.recordsDir, name), 'utf8')).pid, child.pid)
    await child.end({ stdinMs: 10_000, terminateMs: 0 })
    assert.deepEqual(await readdir(room.recordsDir), [])
  })

  it('has none any more when it ends as soon as it began', async () => {
    await using room = await openRoom()
    const children = await Promise.all(Array.from({ length: 8 }, () => room.spawn(['/bin/true'])))
    await Promise.all(children.map(({ exited }) => exited))
    assert.deepEqual(await readdir(room.recordsDir).catch(() => []), [])
  })

  it('is not known where the folder cannot be written, and the child runs all the same', async () => {
    await using room = await openRoom()
    await writeFile(room.recordsDir, 'a file')
    const child = await room.spawn(['/bin/cat'])
    assert.equal((await child.end({ stdinMs: 10_000, terminateMs: 0 })).exitCode, 0)
    assert.deepEqual(await room.records.reap(), [])
  })
})

async function openRoom() {
  const dir = await mkdtemp(join(tmpdir(), 'lmapp-child-'))
  const recordsDir = join(dir, 'records')
  const records = createProcessRecords({ dir: recordsDir })
  const children: { kill(): void; exited: Promise<unknown> }[] = []
  return {
    dir,
    records,
    recordsDir,
    async spawn(command: string[], more: Partial<SpawnOptions> = {}) {
      const child = await spawnChild({
        command,
        directory: dir,
        environment: { PATH: process.env.PATH ?? '' },
        execPath: process.execPath,
        execArgv: [],
        log: createEngineLog({ file: join(dir, 'engine.log') }),
        records,
        ...more,
      })
      children.push(child)
      return child
    },
    async startOwner(command: string[]) {
      const owner = spawn(process.execPath, [
        ...process.execArgv.filter(isCondition),
        join(fixtures, 'owner.ts'),
        dir,
        ...command,
      ])
      const pids = await readPids(owner.stdout)
      const name = await untilRecorded(recordsDir)
      const { pid: leader } = JSON.parse(await readFile(join(recordsDir, name), 'utf8'))
      return { owner, pids, leader: Number(leader) }
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill()
      await Promise.all(children.map(({ exited }) => exited))
      await rm(dir, { recursive: true, force: true })
    },
  }
}

const isCondition = (argument: string) => argument.startsWith('--conditions')

async function readAll(stream: Readable): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString()
}

async function readPids(stream: Readable): Promise<number[]> {
  let text = ''
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    text += chunk
    if (text.includes('\n')) break
  }
  return JSON.parse(text)
}

async function untilRecorded(dir: string): Promise<string> {
  for (;;) {
    const name = (await readdir(dir).catch(() => [])).find((file) => file.endsWith('.json'))
    if (name !== undefined) return name
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
