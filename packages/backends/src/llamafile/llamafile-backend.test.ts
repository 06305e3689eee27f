import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Backend, isLmappError } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import {
  ask,
  createBudget,
  type ManagedRoom,
  mebibyte,
  openRoom,
  patient,
} from '../llama-server/managed/testing/open-managed.ts'
import { chooseProgram } from './choose-program.ts'
import { eraOf, parseLlamafileVersion, toHelp } from './era.ts'
import {
  createLlamafileBackend,
  createLlamafileType,
  findLlamafiles,
  type LlamafileOptions,
  usualLlamafileFolders,
} from './index.ts'
import { type StandIn, writeStandIn } from './testing/stand-in.ts'

interface LlamafileRoom extends AsyncDisposable {
  room: ManagedRoom
  write(name: string, standIn: Pick<StandIn, 'era'> & Partial<StandIn>): Promise<string>
  open(options?: Partial<LlamafileOptions>): Backend
}

async function openLlamafiles(): Promise<LlamafileRoom> {
  const stack = new AsyncDisposableStack()
  const room = stack.use(await openRoom())
  const server = await room.program('engine')
  const opened: Backend[] = []
  return {
    room,
    async write(name, standIn) {
      const path = join(room.dir, name)
      await writeStandIn({ path, server: [server], ...standIn })
      return path
    },
    open(options = {}) {
      const backend = createLlamafileBackend({
        id: 'llamafile',
        find: () => findLlamafiles({ folders: [room.dir], environment: {} }),
        models: room.files,
        budget: createBudget(1024 * mebibyte),
        timeouts: patient,
        logFile: join(room.dir, 'llamafile.log'),
        runtimeDir: join(room.dir, 'run'),
        environment: { PATH: process.env.PATH },
        ...options,
      })
      opened.push(backend)
      return backend
    },
    async [Symbol.asyncDispose]() {
      for (const backend of opened) await backend[Symbol.asyncDispose]()
      await stack.disposeAsync()
    },
  }
}

describe('a llamafile of each era', () => {
  for (const [era, version] of [
    ['0.9', '0.9.3'],
    ['0.10', '0.10.0'],
  ] as const) {
    it(`${era} runs a model file with the options that it knows`, async () => {
      await using files = await openLlamafiles()
      await files.write('llamafile', { era })
      await files.room.model('one')
      const backend = files.open()
      assert.equal((await readChat(backend.chat(ask('one', 'hello there')))).text, 'You said: hello there')
      assert.equal((await backend.getInfo()).engineVersion, version)
      assert.equal((await backend.listModels())[0]?.loaded, true)
    })

    it(`${era} runs the model that it has in itself`, async () => {
      await using files = await openLlamafiles()
      const { path: inside } = await files.room.model('inside')
      const path = await files.write('tiny.llamafile', { era, model: inside })
      await files.room.model('tiny', '', { path })
      await writeStandIn({ path, era, server: [await files.room.program('engine')], model: inside })
      const backend = files.open()
      assert.equal((await readChat(backend.chat(ask('tiny', 'hello')))).text, 'You said: hello')
    })
  }

  it('without a version that it says is known by its options', async () => {
    await using files = await openLlamafiles()
    await files.write('llamafile', { era: '0.10', version: 'a build of my own' })
    await files.room.model('one')
    assert.equal((await readChat(files.open().chat(ask('one', 'hello')))).text, 'You said: hello')
  })

  it('is told by its version, or by an option that only one of them has', () => {
    const era = (versionText: string, ...flags: string[]) => eraOf({ versionText, flags: new Set(flags) })
    assert.deepEqual(
      ['llamafile v0.8.17', 'llamafile v0.9.3', 'llamafile 0.10.0', 'llamafile v1.0'].map((text) => era(text)),
      ['old', 'old', 'new', 'new'],
    )
    assert.deepEqual([era('?', '--nobrowser'), era('?', '--no-ui'), era('')], ['old', 'new', 'new'])
    assert.equal(parseLlamafileVersion('\0\xff'), undefined)
    assert.deepEqual(
      [toHelp('llamafile v0.9.3'), toHelp('llamafile v0.10.1'), toHelp('?')],
      [undefined, ['--server', '--help'], ['--help']],
    )
  })

  it('that is configured with options of another era says so itself', async () => {
    await using files = await openLlamafiles()
    const program = await files.write('llamafile', { era: '0.10' })
    await files.room.model('one')
    const backend = files.open({ command: [program, '--nobrowser'] })
    const { error } = await tryChat(backend.chat(ask('one', 'hello')))
    assert.ok(isLmappError(error, 'backend-start-failed'))
    assert.match(error.message, /invalid argument: --nobrowser/)
  })
})

describe('switching between llamafiles', () => {
  it('stops the running one where there is memory for one, and the conversation goes on', async () => {
    await using files = await openLlamafiles()
    await files.write('llamafile', { era: '0.9' })
    for (const id of ['one', 'two']) await files.room.model(id)
    const backend = files.open({ budget: createBudget(11 * mebibyte) })
    for (const id of ['one', 'two', 'one']) {
      assert.equal((await readChat(backend.chat(ask(id, `to ${id}`)))).text, `You said: to ${id}`)
      const ready = (await backend.isRunning()).models.filter(({ state }) => state === 'ready')
      assert.deepEqual(ready, [{ id, state: 'ready' }])
    }
  })
})

describe('a llamafile that is not executable', () => {
  it('is left as it is, and the command is named that makes it so', async () => {
    await using files = await openLlamafiles()
    const path = await files.write("it's a.llamafile", { era: '0.10', mode: 0o644 })
    await files.room.model('it', '', { path })
    const { error } = await tryChat(files.open().chat(ask('it', 'hello')))
    assert.ok(isLmappError(error, 'backend-start-failed'))
    assert.equal(error.hint, `Run: chmod +x '${join(files.room.dir, "it'\\''s a.llamafile")}'`)
    assert.equal((await stat(path)).mode & 0o777, 0o644)
  })

  it('is made so where lmapp fetched it', async () => {
    await using files = await openLlamafiles()
    const { path: inside } = await files.room.model('inside')
    const path = await files.write('mine.llamafile', { era: '0.10', mode: 0o644, model: inside })
    await files.room.model('mine', '', { path })
    const backend = files.open({ ownFolder: files.room.dir })
    assert.equal((await readChat(backend.chat(ask('mine', 'hello')))).text, 'You said: hello')
  })
})

describe('without a llamafile', () => {
  it('nothing can be started, and it is said what to do', async () => {
    await using files = await openLlamafiles()
    await files.room.model('one')
    const backend = files.open()
    await assert.rejects(backend.start(), (error) => isLmappError(error, 'backend-start-failed'))
    assert.equal((await backend.isRunning()).state, 'failed')
    const gone = files.open({ command: ['/no/such/llamafile'] })
    await assert.rejects(gone.start(), (error) => isLmappError(error, 'backend-start-failed'))
  })

  it('one that holds a model and may not be run starts nothing, and it is said what makes it so', async () => {
    await using files = await openLlamafiles()
    const path = await files.write('tiny.llamafile', { era: '0.9', mode: 0o644 })
    const backend = files.open()
    await assert.rejects(
      backend.start(),
      (error) => isLmappError(error, 'backend-start-failed') && error.hint.includes(`chmod +x '${path}'`),
    )
    await files.write('other.llamafile', { era: '0.9' })
    await backend.start()
  })

  it('one that holds a model is enough to start, but runs no other', async () => {
    await using files = await openLlamafiles()
    const path = await files.write('tiny.llamafile', { era: '0.9' })
    await files.room.model('one')
    const backend = files.open()
    await backend.start()
    assert.match((await backend.getInfo()).description ?? '', new RegExp(path))
    const { error } = await tryChat(backend.chat(ask('one', 'hello')))
    assert.ok(isLmappError(error, 'backend-start-failed'))
  })
})

describe('which program runs a model', () => {
  const bare = {
    path: '/x/llamafile',
    name: 'llamafile',
    sizeBytes: 1,
    modifiedAt: '',
    holdsModel: false,
    executable: true,
  }
  const found = [{ ...bare, path: '/y/llamafile', executable: false }, bare]
  const command = undefined
  const choose = (path: string, platform: NodeJS.Platform) => chooseProgram({ path }, { command, found, platform })

  it('is the file itself where it has one, and a bare one for a model file', () => {
    assert.deepEqual(choose('/m/a.llamafile', 'linux'), { program: '/m/a.llamafile', ownModel: true })
    assert.deepEqual(choose('/m/a.gguf', 'darwin'), { program: '/x/llamafile', ownModel: false })
  })

  it('is the bare one beside it on Windows, which runs nothing of more than 4 GB', () => {
    assert.deepEqual(choose('C:\\m\\a.llamafile', 'win32'), { program: '/x/llamafile', ownModel: false })
    const own = { command: 'C:\\a.llamafile.exe', found: [], platform: 'win32' as const }
    assert.deepEqual(chooseProgram({ path: 'C:\\a.llamafile.exe' }, own), { program: own.command, ownModel: true })
  })
})

describe('finding llamafiles', () => {
  it('takes what begins like one and is called like one, without running it', async () => {
    await using files = await openLlamafiles()
    const { dir } = files.room
    const ran = join(dir, 'ran')
    const ape = `MZqFpD='\n'\ntouch '${ran}'\n`
    const folder = join(dir, 'found')
    await mkdir(join(folder, 'folder.llamafile'), { recursive: true })
    const contents: Record<string, string | Buffer> = {
      'a.llamafile': ape,
      'b.llamafile.exe': ape,
      'llamafile-0.9.3': ape,
      'native.llamafile': Buffer.from('7f454c46020101', 'hex'),
      'mac.llamafile': Buffer.from('cffaedfe0c000001', 'hex'),
      'text.llamafile': '#!/bin/sh\nexit 1\n',
      'empty.llamafile': '',
      other: ape,
      'llamafiles.txt': ape,
    }
    for (const [name, content] of Object.entries(contents)) await writeFile(join(folder, name), content)
    await chmod(join(folder, 'mac.llamafile'), 0o755)
    const onPath = await files.write('llamafile', { era: '0.10' })
    const found = await findLlamafiles({
      folders: [folder, '/no/such/folder', 'relative', dir],
      environment: { PATH: dir },
    })
    assert.deepEqual(
      found.map(({ path, name, holdsModel, executable }) => [path, name, holdsModel, executable]),
      [
        [onPath, 'llamafile', false, true],
        [join(folder, 'a.llamafile'), 'a', true, false],
        [join(folder, 'b.llamafile.exe'), 'b', true, false],
        [join(folder, 'llamafile-0.9.3'), 'llamafile-0.9.3', false, false],
        [join(folder, 'mac.llamafile'), 'mac', true, true],
      ],
    )
    assert.ok(!(await readdir(dir)).includes('ran'))
  })

  it('looks where people put them', () => {
    assert.ok(usualLlamafileFolders('/home/ada').includes('/home/ada/Downloads'))
  })
})

describe('the type', () => {
  const context = { timeouts: patient, logFile: '' }

  it('opens what is configured, or what is found, and says what is wrong with it', async () => {
    await using files = await openLlamafiles()
    const { dir } = files.room
    const type = createLlamafileType({
      budget: createBudget(1024 * mebibyte),
      environment: { PATH: process.env.PATH },
      runtimeDir: join(dir, 'run'),
      findFolders: async () => [join(dir, 'people')],
      ownFolder: join(dir, 'own'),
      modelsOf: () => files.room.files,
    })
    const definition = (command?: string, args?: string[]) => ({
      id: 'llamafile',
      config: { ...(command !== undefined && { command }), ...(args && { args }) },
      environment: {},
    })
    assert.deepEqual(await type.inspect(definition()), { owner: 'lmapp', startable: false })

    await mkdir(join(dir, 'people'))
    const path = await files.write('people/llamafile', { era: '0.9', mode: 0o644 })
    const problem = { message: `${path} is not executable.`, mend: `chmod +x '${path}'` }
    const broken = { owner: 'lmapp', program: path, startable: false, problem }
    assert.deepEqual(await type.inspect(definition()), broken)
    assert.deepEqual(await type.inspect(definition(path)), broken)
    await chmod(path, 0o755)
    assert.deepEqual(await type.inspect(definition()), { owner: 'lmapp', program: path, startable: true })
    assert.deepEqual(await type.inspect(definition(path)), { owner: 'lmapp', program: path, startable: true })
    assert.equal((await type.inspect(definition('/gone'))).problem?.mend, 'lmapp config edit')

    await files.room.model('one')
    const logFile = join(dir, 'type.log')
    for (const each of [definition(), definition(path, ['-c', '2048'])]) {
      await using backend = type.create(each, { ...context, logFile })
      assert.equal((await readChat(backend.chat(ask('one', 'hello')))).text, 'You said: hello')
    }
    assert.deepEqual(
      (await type.knownModels(definition(), context)).map(({ id }) => id),
      ['one'],
    )
    assert.equal(type.describeAddress(definition(path)), path)
  })
})
