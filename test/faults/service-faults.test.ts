import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createHome, toEvents, untilGone, withMock } from '../support/home.ts'

const config = withMock({ echo: {}, endless: { reply: 'a b c d e f g h', repeatTokens: 100_000, paceMs: 10 } })

describe('the service', () => {
  it('is one for twenty one-shots at once: all are answered, all are stored', async () => {
    await using home = await createHome(config)
    const questions = Array.from({ length: 20 }, (_, n) => `question ${n}`)
    const results = await Promise.all(questions.map((question) => home.lmapp(['-m', 'box/echo', question])))
    for (const [n, { code, stdout, stderr }] of results.entries()) {
      assert.equal(code, 0, stderr)
      assert.equal(stdout.trim(), questions[n])
    }
    const list = JSON.parse((await home.lmapp(['history', 'list', '--json'])).stdout)
    assert.deepEqual(list.map(({ title }: { title: string }) => title).sort(), questions.sort())
    const log = await home.lmapp(['service', 'logs'])
    assert.equal(log.stdout.match(/started, pid/g)?.length, 1)
  })

  it('begun a second time leaves at once and disturbs nobody', async () => {
    await using home = await createHome(config)
    await home.lmapp(['-m', 'box/echo', 'hello'])
    const pid = await home.servicePid()
    const { spawnSync } = await import('node:child_process')
    const entry = new URL('../../packages/cli/src/service/service.ts', import.meta.url).pathname
    const second = spawnSync(process.execPath, ['--conditions=lmapp-source', entry], { env: home.env })
    assert.equal(second.status, 0)
    assert.equal(await home.servicePid(), pid)
    assert.equal((await home.lmapp(['-m', 'box/echo', 'again'])).stdout, 'again\n')
  })

  it('takes the place of a socket that a dead one left behind', async () => {
    await using home = await createHome(config)
    await home.lmapp(['-m', 'box/echo', 'hello'])
    const pid = await home.servicePid()
    assert.ok(pid)
    process.kill(pid, 'SIGKILL')
    await untilGone(pid)
    const result = await home.lmapp(['-m', 'box/echo', 'still here'])
    assert.equal(result.code, 0, result.stderr)
    assert.equal(result.stdout, 'still here\n')
    assert.notEqual(await home.servicePid(), pid)
  })

  it('is not believed when it cannot prove that it knows the token', async () => {
    await using home = await createHome(config)
    await home.lmapp(['-m', 'box/echo', 'hello'])
    const pid = await home.servicePid()
    assert.ok(pid)
    await home.lmapp(['service', 'stop'])
    await untilGone(pid)
    const paths = JSON.parse((await home.lmapp(['paths', '--json'])).stdout)
    const received: string[] = []
    const impostor = createServer((socket) => {
      socket.on('data', (data) => {
        received.push(String(data))
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')
      })
    })
    await new Promise<void>((resolve) => impostor.listen(paths.socket, resolve))
    const result = await home.lmapp(['history', 'list'])
    assert.equal(result.code, 11, result.stdout)
    assert.ok(received.length > 0)
    await new Promise((resolve) => impostor.close(resolve))
  })

  it('ends when nothing was asked of it for keepAlive', async () => {
    await using home = await createHome({ ...config, service: { keepAlive: 100 } })
    const running = home.start(['-m', 'box/echo', '--json', 'hello'])
    await running.ended
    const pid = Number(/started, pid (\d+)/.exec((await home.lmapp(['service', 'logs'])).stdout)?.[1])
    await untilGone(pid)
    assert.equal(await home.servicePid(), undefined)
  })

  it('stays out of a run folder that others can enter', async () => {
    await using home = await createHome(config)
    await mkdir(join(home.env.XDG_RUNTIME_DIR ?? '', 'lmapp'), { mode: 0o777 })
    const { chmod } = await import('node:fs/promises')
    await chmod(join(home.env.XDG_RUNTIME_DIR ?? '', 'lmapp'), 0o777)
    const result = await home.lmapp(['-m', 'box/echo', 'hello'])
    assert.equal(result.code, 11)
    assert.match(result.stderr, /chmod 700/)
    await chmod(join(home.env.XDG_RUNTIME_DIR ?? '', 'lmapp'), 0o700)
  })

  it('inside the command (LMAPP_SERVICE=off) keeps the same history and leaves no process', async () => {
    await using home = await createHome(config)
    const off = { env: { LMAPP_SERVICE: 'off' } }
    const result = await home.lmapp(['-m', 'box/echo', '--json', 'hello'], off)
    assert.equal(result.code, 0, result.stderr)
    assert.equal(toEvents(result.stdout).at(-1)?.state, 'complete')
    assert.equal(await home.servicePid(), undefined)
    const list = JSON.parse((await home.lmapp(['history', 'list', '--json'])).stdout)
    assert.equal(list.length, 1)
  })

  it('inside the command is not needed where one runs: that is used', async () => {
    await using home = await createHome(config)
    await home.lmapp(['-m', 'box/echo', 'hello'])
    const pid = await home.servicePid()
    const result = await home.lmapp(['-m', 'box/echo', 'again'], { env: { LMAPP_SERVICE: 'off' } })
    assert.equal(result.stdout, 'again\n')
    assert.equal(await home.servicePid(), pid)
  })

  it('inside the command waits for another one, and says so', async () => {
    await using home = await createHome(config)
    const off = { env: { LMAPP_SERVICE: 'off' } }
    await using first = home.start(['-m', 'box/endless', '--json', 'hello'], off)
    await first.untilStdout('text-delta')
    await using second = home.start(['-m', 'box/echo', 'second'], off)
    await second.untilStderr('Waiting for another lmapp')
    first.process.kill('SIGINT')
    assert.equal((await first.ended).code, 130)
    const result = await second.ended
    assert.equal(result.code, 0, result.stderr)
    assert.equal(result.stdout, 'second\n')
  })

  it('whose home cannot be used says so: exit 11', async () => {
    await using home = await createHome(config)
    const file = join(home.dir, 'a-file')
    await writeFile(file, '')
    for (const args of [['hello'], ['history', 'list']]) {
      const result = await home.lmapp(args, { env: { LMAPP_HOME: file } })
      assert.equal(result.code, 11, result.stderr)
      assert.match(result.stderr, /LMAPP_HOME/)
    }
  })

  it('gives the shell its prompt back: $(lmapp …) returns while the service lives', async () => {
    await using home = await createHome(config)
    const { promisify } = await import('node:util')
    const { execFile } = await import('node:child_process')
    const main = new URL('../../packages/cli/src/main.ts', import.meta.url).pathname
    const script = `answer=$("${process.execPath}" --conditions=lmapp-source "${main}" -m box/echo hello </dev/null); echo "got $answer"`
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { env: home.env })
    assert.equal(stdout, 'got hello\n')
    assert.ok(await home.servicePid())
  })
})

describe('the history', () => {
  it('that is damaged is kept aside and named, and a new one is begun', async () => {
    await using home = await createHome(config)
    await mkdir(join(home.dir, 'data'), { recursive: true, mode: 0o700 })
    await writeFile(
      join(home.dir, 'data/history.sqlite'),
      'This is no database, and it is long enough to be looked at.'.repeat(100),
    )
    const result = await home.lmapp(['-m', 'box/echo', 'hello'])
    assert.equal(result.code, 0, result.stderr)
    const files = await readdir(join(home.dir, 'data'))
    assert.ok(
      files.some((name) => name.startsWith('history.sqlite.corrupt-')),
      files.join(' '),
    )
    const doctor = await home.lmapp(['service', 'logs'])
    assert.match(doctor.stdout, /history\.sqlite\.corrupt-/)
  })
})
