import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { openStore, type Store } from './index.ts'
import { loadSqlite } from './load-sqlite.ts'
import { converse, createFolder, openTemporary, owner, rejectsWith, toAsk, toEnd } from './testing/temporary-store.ts'

const now = () => new Date('2026-01-02T03:04:05.678Z')

async function close(store: Store): Promise<void> {
  await store[Symbol.asyncDispose]()
}

/** A closed history with some conversations in it. */
async function makeHistory(file: string, words = 500): Promise<void> {
  await using store = await openStore({ path: file })
  for (let index = 0; index < 20; index += 1) await converse(store, toAsk(`Question ${index}`), 'answer '.repeat(words))
}

describe('the files', () => {
  test('are readable by their owner only, and so is the folder that is made', async () => {
    await using temporary = await openTemporary()
    await converse(temporary.store, toAsk('Hello'), 'Hi')
    const folder = dirname(temporary.file)
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    const names = readdirSync(folder).sort()
    assert.deepEqual(names, ['history.db', 'history.db-shm', 'history.db-wal'])
    for (const name of names) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  })

  test('keep everything when the store is closed; one file is left', async () => {
    await using folder = await createFolder()
    await using first = await openStore({ path: folder.file })
    const ask = await converse(first, toAsk('Hello'), 'Hi')
    await close(first)
    await close(first)
    assert.deepEqual(readdirSync(dirname(folder.file)), ['history.db'])
    await using second = await openStore({ path: folder.file })
    assert.equal((await second.getConversation(ask.conversationId, owner)).messages.at(-1)?.text, 'Hi')
  })

  test('do not grow with a write-ahead log that nobody empties', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const ask = toAsk('Hello')
    await store.beginRun(ask)
    const text = 'x'.repeat(1024 * 1024)
    for (let seq = 1; seq <= 8; seq += 1) await store.appendEvents(ask.runId, seq, [{ type: 'text-delta', text }])
    while (statSync(file).size < 8 * text.length) await store.getFact('any')
    await store.endRun(toEnd(ask))
  })
})

describe('a damaged history', () => {
  const damages: Record<string, (file: string) => void> = {
    'that is no database': (file) => writeFileSync(file, 'not a database, '.repeat(1000)),
    'that was cut short': (file) => writeFileSync(file, readFileSync(file).subarray(0, 40_000)),
    'with foreign bytes in its middle': (file) => {
      const handle = openSync(file, 'r+')
      writeSync(handle, Buffer.alloc(100_000, 0xa5), 0, null, 20_480)
      closeSync(handle)
    },
    'with pages that are empty': (file) => {
      const handle = openSync(file, 'r+')
      const start = 4096 * Math.floor(statSync(file).size / 4096 / 3)
      writeSync(handle, Buffer.alloc(statSync(file).size - start), 0, null, start)
      closeSync(handle)
    },
  }
  for (const [name, damage] of Object.entries(damages)) {
    test(`${name} is put aside and named, and a new one is begun`, async () => {
      await using folder = await createFolder()
      await makeHistory(folder.file)
      damage(folder.file)
      const damaged = readFileSync(folder.file)
      await using store = await openStore({ path: folder.file, now })
      assert.equal(store.setAside, `${folder.file}.corrupt-20260102T030405Z`)
      assert.ok(damaged.equals(readFileSync(store.setAside)))
      assert.deepEqual(await store.listConversations({ owner }), [])
      await converse(store, toAsk('Hello'), 'Hi')
    })
  }

  test('is put aside with its write-ahead log, and never over another one', async () => {
    await using folder = await createFolder()
    mkdirSync(dirname(folder.file))
    for (const expected of ['history.db.corrupt-20260102T030405Z', 'history.db.corrupt-20260102T030405Z-2']) {
      writeFileSync(folder.file, 'not a database, '.repeat(1000))
      writeFileSync(`${folder.file}-wal`, 'not a log')
      await using store = await openStore({ path: folder.file, now })
      assert.equal(basename(store.setAside ?? ''), expected)
    }
  })

  test('that is noticed while it is used is an error of its own', async () => {
    await using folder = await createFolder()
    await makeHistory(folder.file, 20_000)
    await using store = await openStore({ path: folder.file })
    const oldest = (await store.listConversations({ owner })).at(-1)
    const handle = openSync(folder.file, 'r+')
    writeSync(handle, Buffer.alloc(statSync(folder.file).size - 4096, 0xa5), 0, null, 4096)
    closeSync(handle)
    await rejectsWith(store.getConversation(oldest?.id ?? '', owner), 'store-corrupt')
  })
})

describe('a full disk', () => {
  test('rejects what does not fit; what is there stays, and writing goes on when there is room', async () => {
    await using folder = await createFolder()
    await using small = await openStore({ path: folder.file, maxPages: 120 })
    const ask = toAsk('Hello')
    await small.beginRun(ask)
    await small.appendEvents(ask.runId, 1, [{ type: 'text-delta', text: 'Some words' }])
    const more = [{ type: 'text-delta', text: ' and more '.repeat(200_000) }] as const
    await rejectsWith(small.appendEvents(ask.runId, 2, [...more]), 'disk-full')
    await rejectsWith(small.beginRun(toAsk('x'.repeat(1_000_000))), 'disk-full')
    assert.equal((await small.getConversation(ask.conversationId, owner)).messages.at(-1)?.text, 'Some words')
    assert.ok(Array.isArray(await small.search('hello', { owner })))
    await small.appendEvents(ask.runId, 3, [{ type: 'text-delta', text: ', little' }])
    await close(small)
    await using large = await openStore({ path: folder.file })
    await large.appendEvents(ask.runId, 2, [...more])
    await large.endRun(toEnd(ask))
    const answer = (await large.getConversation(ask.conversationId, owner)).messages.at(-1)
    assert.equal(answer?.text, `Some words${more[0].text}, little`)
  })

  test('is told when there is no room to begin', async () => {
    await using folder = await createFolder()
    await rejectsWith(openStore({ path: folder.file, maxPages: 4 }), 'disk-full')
  })
})

describe('what cannot be opened', () => {
  test('is told: a folder that cannot be made, a file that is a folder', async () => {
    await using folder = await createFolder()
    writeFileSync(join(folder.path, 'file'), '')
    await rejectsWith(openStore({ path: join(folder.path, 'file', 'history.db') }), 'path-unusable')
    mkdirSync(join(folder.path, 'history.db'))
    await rejectsWith(openStore({ path: join(folder.path, 'history.db') }), 'store-failed')
  })

  test('a database that another program holds is not taken for a damaged one', async () => {
    await using folder = await createFolder()
    await makeHistory(folder.file)
    const { DatabaseSync } = loadSqlite()
    using other = new DatabaseSync(folder.file)
    other.exec('PRAGMA locking_mode = EXCLUSIVE')
    other.exec('CREATE TABLE hold (x)')
    await rejectsWith(openStore({ path: folder.file }), 'store-failed')
    assert.equal(existsSync(folder.file), true)
  })

  test('a worker that is missing, or fails, is an error of the store', async () => {
    await using folder = await createFolder()
    const open = (program: string) =>
      openStore({ path: folder.file, workerUrl: new URL(`data:text/javascript,${encodeURIComponent(program)}`) })
    await rejectsWith(
      openStore({ path: folder.file, workerUrl: new URL('./no-such.ts', import.meta.url) }),
      'store-failed',
    )
    await rejectsWith(open('throw new Error("x")'), 'store-failed')
    await rejectsWith(open(''), 'store-failed')
  })
})

describe('the worker', () => {
  test('answers what was asked before it is closed, and nothing after', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const written = converse(store, toAsk('Hello'), 'Hi').catch((error: unknown) => error)
    const asked = store.setFact('a', 'b')
    const closing = close(store)
    const late = store.getFact('a')
    await asked
    await rejectsWith(late, 'store-failed')
    await closing
    await rejectsWith(store.getFact('a'), 'store-failed')
    assert.ok(isLmappError(await written, 'store-failed'))
  })

  test('reports a bug as a bug, and goes on', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const wrong: unknown = { runId: 'x' }
    await assert.rejects(store.beginRun(wrong as never), (error) => {
      assert.ok(error instanceof Error && !isLmappError(error))
      assert.match(String(error.cause), /runs\.ts/)
      return true
    })
    assert.equal(await store.getFact('a'), null)
  })

  test('that dies takes what waits with it, as an error', async () => {
    const program = `
      import { parentPort } from 'node:worker_threads'
      parentPort.on('message', () => { throw new Error('gone') })
      parentPort.postMessage({ type: 'opened' })`
    await using store = await openStore({
      path: '',
      workerUrl: new URL(`data:text/javascript,${encodeURIComponent(program)}`),
    })
    const calls = [store.getFact('a'), store.getFact('b')]
    for (const call of calls) await rejectsWith(call, 'store-failed')
    await rejectsWith(store.getFact('c'), 'store-failed')
    await close(store)
  })

  test('writes nothing to stdout or stderr', async () => {
    await using folder = await createFolder()
    const program = `
      import { openStore } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
      const store = await openStore({ path: ${JSON.stringify(folder.file)} })
      await store.setFact('a', 'b')
      await store[Symbol.asyncDispose]()`
    const path = join(folder.path, 'program.mjs')
    writeFileSync(path, program)
    const child = spawn(process.execPath, ['--conditions=lmapp-source', path])
    const output: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
    const [code] = await once(child, 'close')
    assert.deepEqual([code, Buffer.concat(output).toString()], [0, ''])
  })
})
