import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { isLmappError, LmappError } from 'lmapp-kit'
import { openStore, type Store } from '../store/index.ts'
import { createFolder, openTemporary, rejectsWith } from '../store/testing/temporary-store.ts'
import { createKeys, toKeyScope } from './index.ts'

const at = (time: string) => () => new Date(`2026-05-01T${time}Z`)

/** A store that can be told to fail, and tells what of a kind it was asked for. */
function watch(store: Store) {
  const uses: string[] = []
  const watched = {
    uses,
    isBroken: false,
    addKey: store.addKey,
    listKeys: store.listKeys,
    revokeKey: (...args: Parameters<Store['revokeKey']>) => watched.check() ?? store.revokeKey(...args),
    noteKeyUse(...args: Parameters<Store['noteKeyUse']>) {
      uses.push(args[1])
      return watched.check() ?? store.noteKeyUse(...args)
    },
    check: () => (watched.isBroken ? Promise.reject(new LmappError('disk-full', 'The disk is full.')) : undefined),
  }
  return watched
}

describe('a new key', () => {
  it('is a secret of 256 bits that is recognised by its first characters, and says whose it is', async () => {
    await using temporary = await openTemporary()
    const keys = await createKeys({ store: temporary.store, now: at('10:00:00') })
    const { secret, ...info } = await keys.create({ name: 'editor' })
    assert.match(secret, /^lmapp_[A-Za-z0-9_-]{43}$/)
    assert.match(info.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/)
    assert.deepEqual(info, {
      id: info.id,
      name: 'editor',
      beginning: secret.slice(0, 10),
      scopes: ['chat'],
      createdAt: '2026-05-01T10:00:00.000Z',
      lastUsedAt: null,
      revokedAt: null,
    })
    assert.deepEqual(keys.find(secret), {
      id: info.id,
      name: 'editor',
      scopes: ['chat'],
    })
  })

  it('has the scopes that are asked for, each once and in one order', async () => {
    await using temporary = await openTemporary()
    const keys = await createKeys(temporary)
    const { scopes, secret } = await keys.create({ name: 'all', scopes: ['admin', 'chat', 'admin', 'models'] })
    assert.deepEqual(scopes, ['chat', 'models', 'admin'])
    assert.deepEqual(keys.find(secret)?.scopes, scopes)
    await rejectsWith(keys.create({ name: 'none', scopes: [] }), 'bad-input')
  })

  it('needs a name as those of programs are, which no other key in use has', async () => {
    await using temporary = await openTemporary()
    const keys = await createKeys(temporary)
    const wrong = ['', '-a', 'A', 'a b', 'a.b', 'ä', 'a\n', 'a/b', '../a', 'a'.repeat(65), 'x'.repeat(1_000_000), '\0']
    for (const name of wrong) {
      await assert.rejects(keys.create({ name }), (error) => {
        assert.ok(isLmappError(error, 'bad-input'))
        assert.ok(error.message.length < 200)
        assert.match(error.hint, /a-z, 0-9/)
        return true
      })
    }
    for (const name of ['a', '7', 'a-', 'a'.repeat(64)]) await keys.create({ name })
    const twice = await Promise.allSettled([keys.create({ name: 'twin' }), keys.create({ name: 'twin' })])
    assert.deepEqual(twice.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    await assert.rejects(keys.create({ name: 'a' }), (error) => {
      assert.ok(isLmappError(error, 'bad-input'))
      assert.match(error.hint, /lmapp keys revoke a$/)
      return true
    })
  })

  it('is written nowhere: neither in a file nor in what is told of it', async () => {
    await using temporary = await openTemporary()
    const keys = await createKeys(temporary)
    const { secret } = await keys.create({ name: 'editor' })
    const hidden = secret.slice(10)
    const folder = dirname(temporary.file)
    const written = Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))))
    assert.ok(!written.includes(hidden))
    assert.ok(written.includes(createHash('sha256').update(secret).digest('hex')))
    const told = JSON.stringify([await keys.list(), await keys.revoke('editor')])
    assert.ok(!told.includes(hidden))
    assert.ok(!told.includes('sha256'))
  })
})

describe('a secret', () => {
  it('lets in when all of it is right, also after the next service has begun', async () => {
    await using folder = await createFolder()
    const open = () => openStore({ path: folder.file })
    let secret: string
    {
      await using store = await open()
      const keys = await createKeys({ store })
      secret = (await keys.create({ name: 'editor', scopes: ['models'] })).secret
      await keys.create({ name: 'other' })
    }
    await using store = await open()
    const keys = await createKeys({ store })
    assert.equal(keys.find(secret)?.name, 'editor')
    assert.deepEqual(keys.find(secret)?.scopes, ['models'])
    const changed = secret.endsWith('A') ? 'B' : 'A'
    for (const wrong of [
      '',
      'lmapp_',
      secret.slice(0, -1),
      `${secret}A`,
      secret.slice(0, -1) + changed,
      ` ${secret}`,
    ]) {
      assert.equal(keys.find(wrong), undefined)
    }
    assert.equal(keys.find(createHash('sha256').update(secret).digest('hex')), undefined)
  })

  it('of another kind, however long and odd, is nobody’s', async () => {
    await using temporary = await openTemporary()
    const keys = await createKeys(temporary)
    await keys.create({ name: 'editor' })
    const odd = [
      'ollama',
      'sk-abc',
      '__proto__',
      'constructor',
      'x'.repeat(10_000_000),
      `lmapp_${'A'.repeat(10_000_000)}`,
    ]
    const random = Array.from({ length: 2000 }, (_, index) => randomBytes(index % 80).toString('latin1'))
    const alike = Array.from({ length: 2000 }, () => `lmapp_${randomBytes(32).toString('base64url')}`)
    for (const text of [...odd, ...random, ...alike]) assert.equal(keys.find(text), undefined)
  })

  it('is worth nothing from the moment at which its key is revoked', async () => {
    await using temporary = await openTemporary()
    const keys = await createKeys({ store: temporary.store, now: at('11:00:00') })
    const { secret } = await keys.create({ name: 'editor' })
    const { secret: other } = await keys.create({ name: 'other' })
    const revoking = keys.revoke('editor')
    assert.equal(keys.find(secret), undefined)
    assert.equal((await revoking).revokedAt, '2026-05-01T11:00:00.000Z')
    assert.equal(keys.find(other)?.name, 'other')
    assert.equal((await createKeys(temporary)).find(secret), undefined)
  })

  it('is worth nothing either when its end could not be written, which can then be tried again', async () => {
    await using temporary = await openTemporary()
    const store = watch(temporary.store)
    const keys = await createKeys({ store })
    const { secret } = await keys.create({ name: 'editor' })
    store.isBroken = true
    await rejectsWith(keys.revoke('editor'), 'disk-full')
    assert.equal(keys.find(secret), undefined)
    store.isBroken = false
    assert.notEqual((await keys.revoke('editor')).revokedAt, null)
    assert.equal((await createKeys(temporary)).find(secret), undefined)
  })

  it('is worth nothing when the history that knew it was damaged and begun anew', async () => {
    await using folder = await createFolder()
    let secret: string
    {
      await using store = await openStore({ path: folder.file })
      secret = (await (await createKeys({ store })).create({ name: 'editor' })).secret
    }
    writeFileSync(folder.file, 'not a database, '.repeat(1000))
    await using store = await openStore({ path: folder.file })
    const keys = await createKeys({ store })
    assert.equal(keys.find(secret), undefined)
    assert.deepEqual(await keys.list(), [])
  })
})

describe('revoking', () => {
  it('keeps the key in the list, marked, and frees its name', async () => {
    await using temporary = await openTemporary()
    const keys = await createKeys({ store: temporary.store, now: at('12:00:00') })
    await keys.create({ name: 'editor' })
    await keys.create({ name: 'script' })
    await keys.revoke('editor')
    const { secret } = await keys.create({ name: 'editor', scopes: ['admin'] })
    assert.deepEqual(
      (await keys.list()).map(({ name, scopes, revokedAt }) => [name, scopes.join(), revokedAt !== null]),
      [
        ['editor', 'chat', true],
        ['script', 'chat', false],
        ['editor', 'admin', false],
      ],
    )
    assert.deepEqual(keys.find(secret)?.scopes, ['admin'])
  })

  it('names the nearest key in use when there is none of that name, and says when it was revoked before', async () => {
    await using temporary = await openTemporary()
    const keys = await createKeys(temporary)
    for (const name of ['editor', 'notebook']) await keys.create({ name })
    await assert.rejects(keys.revoke('editer'), (error) => {
      assert.ok(isLmappError(error, 'not-found'))
      assert.match(error.hint, /^Did you mean "editor"\?/)
      assert.deepEqual(error.details?.nearest, ['editor', 'notebook'])
      return true
    })
    await assert.rejects(keys.revoke('x'.repeat(100_000)), (error) => {
      assert.ok(isLmappError(error, 'not-found'))
      assert.ok(error.message.length < 200)
      assert.equal(error.hint, 'See: lmapp keys list')
      return true
    })
    await keys.revoke('editor')
    await assert.rejects(keys.revoke('editor'), (error) => {
      assert.ok(isLmappError(error, 'not-found'))
      assert.match(error.message, /revoked already/)
      return true
    })
  })

  it('may be asked for twice at once', async () => {
    await using temporary = await openTemporary()
    const keys = await createKeys(temporary)
    await keys.create({ name: 'editor' })
    const [one, other] = await Promise.all([keys.revoke('editor'), keys.revoke('editor')])
    assert.deepEqual(one, other)
  })
})

describe('the last use', () => {
  it('is known at once, and written at most once a minute', async () => {
    await using temporary = await openTemporary()
    const store = watch(temporary.store)
    let time = '10:00:00'
    const keys = await createKeys({ store, now: () => at(time)() })
    const { id } = await keys.create({ name: 'editor' })
    for (time of ['10:00:01', '10:00:30', '10:01:00', '10:01:01', '10:01:02']) keys.noteUse(id)
    assert.deepEqual(store.uses, ['2026-05-01T10:00:01.000Z', '2026-05-01T10:01:01.000Z'])
    const last = async (from: typeof keys) => (await from.list())[0]?.lastUsedAt
    assert.equal(await last(keys), '2026-05-01T10:01:02.000Z')
    assert.equal(await last(await createKeys(temporary)), '2026-05-01T10:01:01.000Z')
    assert.equal((await keys.revoke('editor')).lastUsedAt, '2026-05-01T10:01:02.000Z')
  })

  it('is written again when the clock was put back', async () => {
    await using temporary = await openTemporary()
    const store = watch(temporary.store)
    let time = '20:00:00'
    const keys = await createKeys({ store, now: () => at(time)() })
    const { id } = await keys.create({ name: 'editor' })
    for (time of ['20:00:00', '10:00:00']) keys.noteUse(id)
    assert.equal(store.uses.length, 2)
  })

  it('is in nobody’s way when it cannot be written, and that of a revoked key is not noted', async () => {
    await using temporary = await openTemporary()
    const store = watch(temporary.store)
    const keys = await createKeys({ store })
    const { id, secret } = await keys.create({ name: 'editor' })
    store.isBroken = true
    keys.noteUse(id)
    assert.equal(keys.find(secret)?.id, id)
    store.isBroken = false
    await keys.revoke('editor')
    keys.noteUse(id)
    keys.noteUse('none')
    assert.equal(store.uses.length, 1)
  })
})

describe('scopes', () => {
  it('are known by their names only', () => {
    assert.equal(toKeyScope('models'), 'models')
    for (const wrong of ['', 'Chat', 'chat,models', 'toString', '__proto__', 'x'.repeat(100_000)]) {
      assert.throws(
        () => toKeyScope(wrong),
        (error) => {
          assert.ok(isLmappError(error, 'bad-input'))
          assert.equal(error.hint, 'There are: chat, models, admin')
          return error.message.length < 200
        },
      )
    }
  })
})
