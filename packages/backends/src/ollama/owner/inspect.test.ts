/** Who keeps an Ollama, by what a machine tells. The machines are made up, their files real. */
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { ExternalDefinition } from '../../external/index.ts'
import type { ReplayServer } from '../../testing/replay-server.ts'
import { createOllamaType } from '../ollama-type.ts'
import { patient } from '../testing/open-backend.ts'
import { ollamaRoutes, openReplay } from '../testing/replay-server.ts'
import { createMachine, type Machine } from './machine.ts'

const id = 'd'.repeat(64)
const running = await openReplay(ollamaRoutes())
const gone = await openReplay({})
await gone.kill()
after(() => running[Symbol.asyncDispose]())

interface Situation {
  machine?: Partial<Machine>
  at?: ReplayServer
  definition?: Partial<ExternalDefinition>
  enabled?: boolean
}

async function look({ machine, at = gone, definition, enabled = true }: Situation) {
  const type = createOllamaType({
    records: { add: async () => {}, remove: async () => {}, reap: async () => [] },
    environment: {},
    enabled: async () => enabled,
    homeDir: '/home/me',
    platform: 'linux',
    storedModels: async () => [],
    machine: {
      platform: 'linux',
      homeDir: '/home/me',
      environment: {},
      exists: async () => false,
      program: async () => '/usr/local/bin/ollama',
      serving: async () => [],
      unitState: async () => 'inactive',
      ...machine,
    },
  })
  const asked = { config: {}, environment: { OLLAMA_HOST: `127.0.0.1:${at.port}` }, ...definition }
  const context = { timeouts: { ...patient, connectMs: 2_000 }, logFile: '/nowhere/ollama.log' }
  await using backend = type.create(asked, context)
  return type.inspect(asked, context, backend)
}

const places = (...known: string[]): Partial<Machine> => ({ exists: async (path) => known.includes(path) })
const unit = places('/run/systemd/system', '/etc/systemd/system/ollama.service')
const serving = (cgroup: string, parent = 'systemd'): Partial<Machine> => ({
  serving: async () => [{ pid: 7, cgroup, parent }],
})
const program = '/usr/local/bin/ollama'

describe('an Ollama that runs', () => {
  for (const [cgroup, keeper] of [
    [
      '0::/system.slice/ollama.service',
      { managedBy: 'systemd (ollama.service)', restart: 'sudo systemctl restart ollama' },
    ],
    [
      '0::/user.slice/user-1000.slice/user@1000.service/app.slice/ollama.service',
      { managedBy: 'systemd (ollama.service)', restart: 'systemctl --user restart ollama' },
    ],
    [`0::/system.slice/docker-${id}.scope`, { managedBy: 'a container', restart: 'docker restart dddddddddddd' }],
    [`0::/machine.slice/libpod-${id}.scope`, { managedBy: 'a container', restart: 'podman restart dddddddddddd' }],
    [`12:cpu:/docker/${id}`, { managedBy: 'a container', restart: 'docker restart dddddddddddd' }],
    ['0::/kubepods.slice/pod7', { managedBy: 'a container' }],
    ['0::/user.slice', { managedBy: 'another program (started from systemd)' }],
  ] as const) {
    it(`is kept by ${keeper.managedBy}: ${cgroup.slice(0, 50)}`, async () => {
      const found = await look({ at: running, machine: serving(cgroup) })
      assert.deepEqual(found, { owner: 'external', ...keeper, program, startable: false })
    })
  }

  it('was started in a terminal, or by nobody knows whom', async () => {
    assert.equal(
      (await look({ at: running, machine: serving('0::/', 'bash') })).managedBy,
      'another program (started from bash)',
    )
    assert.equal((await look({ at: running, machine: serving('0::/', '') })).managedBy, 'another program')
    assert.equal((await look({ at: running })).managedBy, 'a container, or another machine')
  })

  it('is the one with a manager, where several run', async () => {
    const machine: Partial<Machine> = {
      serving: async () => [
        { pid: 1, cgroup: '0::/user.slice', parent: 'bash' },
        { pid: 2, cgroup: '0::/system.slice/ollama.service', parent: 'systemd' },
      ],
    }
    assert.equal((await look({ at: running, machine })).managedBy, 'systemd (ollama.service)')
  })

  it('is kept by the app on macOS and Windows, where that is installed', async () => {
    const mac = await look({ at: running, machine: { platform: 'darwin', ...places('/Applications/Ollama.app') } })
    assert.deepEqual(
      [mac.managedBy, mac.restart],
      ['the Ollama app', `osascript -e 'quit app "Ollama"'; open -a Ollama`],
    )
    const home = await look({
      at: running,
      machine: { platform: 'darwin', ...places('/home/me/Applications/Ollama.app') },
    })
    assert.equal(home.managedBy, 'the Ollama app')
    const environment = { LOCALAPPDATA: '/local' }
    const app = '/local/Programs/Ollama/ollama app.exe'
    const windows = await look({ at: running, machine: { platform: 'win32', environment, ...places(app) } })
    assert.equal(windows.managedBy, 'the Ollama app')
    assert.ok(windows.restart?.includes(app))
    for (const platform of ['darwin', 'win32'] as const) {
      assert.equal((await look({ at: running, machine: { platform } })).managedBy, 'another program')
    }
    assert.equal(
      (await look({ at: running, machine: { platform: 'win32', environment } })).managedBy,
      'another program',
    )
  })

  it('on another machine is nobody’s business here', async () => {
    const definition = { config: { url: 'http://lmapp.invalid:1' }, environment: {} }
    const { problem, ...found } = await look({ definition, machine: serving('0::/system.slice/ollama.service') })
    assert.deepEqual(found, { owner: 'external', startable: false })
    assert.match(problem?.message ?? '', /lmapp\.invalid/)
    assert.equal(problem?.mend, 'lmapp config edit')
  })
})

describe('an Ollama that does not run', () => {
  it('is started by lmapp where nobody else would', async () => {
    assert.deepEqual(await look({}), { owner: 'lmapp', program, startable: true })
  })

  it('is started by who manages it', async () => {
    const found = await look({ machine: unit })
    assert.deepEqual(found, {
      owner: 'external',
      managedBy: 'systemd (ollama.service)',
      restart: 'sudo systemctl restart ollama',
      program,
      startable: false,
      problem: {
        message: 'It is installed and managed by systemd (ollama.service), but does not run.',
        mend: 'sudo systemctl start ollama',
      },
    })
    const own = places('/run/systemd/system', '/home/me/.config/systemd/user/ollama.service')
    assert.equal((await look({ machine: own })).problem?.mend, 'systemctl --user start ollama')
    const mac = { platform: 'darwin', ...places('/Applications/Ollama.app') } as const
    assert.equal((await look({ machine: mac })).problem?.mend, 'open -a Ollama')
  })

  it('is nobody’s where systemd does not run', async () => {
    assert.equal((await look({ machine: places('/etc/systemd/system/ollama.service') })).startable, true)
  })

  it('has failed, says systemd', async () => {
    const machine = { ...unit, unitState: async () => 'failed' }
    const { problem } = await look({ machine })
    assert.match(problem?.message ?? '', /has failed.*journalctl -u ollama/)
    assert.equal(problem?.mend, 'sudo systemctl restart ollama')
    const user = {
      ...places('/run/systemd/system', '/home/me/.config/systemd/user/ollama.service'),
      unitState: async () => 'failed',
    }
    assert.match((await look({ machine: user })).problem?.message ?? '', /journalctl --user -u ollama/)
  })

  it('may not be started by lmapp', async () => {
    const { startable, problem } = await look({ enabled: false })
    assert.deepEqual([startable, problem?.mend], [false, 'ollama serve'])
  })

  it('is missed only where it was asked for', async () => {
    const machine = { program: async () => undefined }
    assert.match((await look({ machine })).problem?.mend ?? '', /ollama\.com\/download/)
  })
})

describe('what is wrong', () => {
  it('is an address that cannot be read', async () => {
    const environment = { OLLAMA_HOST: '127.0.0.1:port' }
    const { problem } = await look({ definition: { environment } })
    assert.match(problem?.message ?? '', /OLLAMA_HOST cannot be read: "port" is no port/)
    assert.equal(problem?.mend, 'export OLLAMA_HOST=127.0.0.1:11434')
    const config = { url: 'http://lmapp.invalid:port' }
    assert.equal((await look({ definition: { config } })).problem?.mend, 'lmapp config edit')
  })

  it('is the guard against foreign names', async () => {
    await using guarded = await openReplay({ 'GET /api/version': { status: 403, body: '' } })
    const { problem, owner, startable } = await look({ at: guarded, definition: { id: 'box' } })
    assert.deepEqual([owner, startable], ['external', false])
    assert.match(problem?.message ?? '', /refuses requests under the name 127\.0\.0\.1/)
    assert.equal(problem?.mend, `lmapp config set backends.box.url http://IP-ADDRESS:${guarded.port}`)
  })

  it('is somebody else on its port', async () => {
    await using foreign = await openReplay({ 'GET /api/version': { body: 'Hi' } })
    const { problem } = await look({ at: foreign })
    assert.match(problem?.message ?? '', /is not Ollama/)
    assert.equal(problem?.mend, 'lmapp doctor')
  })
})

describe('this machine', () => {
  it('is read from the files of Linux', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lmapp-machine-'))
    try {
      const add = async (pid: string, files: Record<string, string>) => {
        await mkdir(join(dir, pid))
        for (const [name, text] of Object.entries(files)) await writeFile(join(dir, pid, name), text)
      }
      await add('1', { cmdline: '/sbin/init\0', comm: 'systemd\n' })
      await add('20', { cmdline: 'bash\0', comm: 'bash\n' })
      await add('21', {
        cmdline: '/usr/local/bin/ollama\0serve\0',
        stat: '21 (a) b) S 20 21 21 0',
        cgroup: '0::/user.slice\n',
      })
      await add('22', { cmdline: '/usr/local/bin/ollama\0runner\0--model\0' })
      await add('23', { cmdline: '/opt/not-ollama\0serve\0' })
      await add('24', { cmdline: 'ollama\0start\0' })
      await add('notes', {})
      await writeFile(join(dir, 'ollama'), '')
      await chmod(join(dir, 'ollama'), 0o755)
      const options = { homeDir: dir, environment: { PATH: dir, LOCALAPPDATA: dir }, procDir: dir }
      const machine = createMachine({ ...options, platform: 'linux' })
      assert.deepEqual(
        (await machine.serving()).toSorted((one, other) => one.pid - other.pid),
        [
          { pid: 21, cgroup: '0::/user.slice\n', parent: 'bash' },
          { pid: 24, cgroup: '', parent: '' },
        ],
      )
      assert.equal(await machine.program(), join(dir, 'ollama'))
      assert.equal(await machine.exists(dir), true)
      assert.equal(await machine.exists(join(dir, 'nothing')), false)
      assert.deepEqual(
        await createMachine({ ...options, procDir: join(dir, 'nothing'), platform: 'linux' }).serving(),
        [],
      )
      for (const platform of ['darwin', 'win32'] as const) {
        const other = createMachine({ ...options, platform })
        assert.deepEqual(await other.serving(), [])
        assert.equal(typeof (await other.program()), platform === 'darwin' ? 'string' : 'undefined')
      }
    } finally {
      await rm(dir, { recursive: true })
    }
  })

  it('may have no systemd to ask', async () => {
    const machine = createMachine({ platform: 'linux', homeDir: '/', environment: {} })
    const state = await machine.unitState('no-such-unit.service', 'system')
    assert.ok(state === undefined || state === 'inactive')
  })
})
