import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { ImportConversation } from 'lmapp-client'
import { runCommand } from '../run.ts'
import { createTestContext, type TestContextOptions } from '../testing/test-context.ts'
import { openTestService, type TestService } from '../testing/test-service.ts'

let service: TestService

before(async () => {
  service = await openTestService({ echo: {} })
})
after(() => service[Symbol.asyncDispose]())
beforeEach(async () => {
  for (const { id } of await service.client.listConversations()) await service.client.deleteConversation(id)
})

async function lmapp(argv: readonly string[], options: TestContextOptions = {}) {
  const context = createTestContext({
    connect: service.connect,
    directory: service.home,
    ...options,
    environment: service.environment,
  })
  const code = await runCommand(context, argv)
  return { code, stdout: context.stdout.text, stderr: context.stderr.text }
}

async function json(...argv: string[]) {
  const { code, stdout, stderr } = await lmapp([...argv, '--json'])
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

const png = { type: 'image', mediaType: 'image/png', data: Buffer.from('a picture').toString('base64') } as const

/** A question and two answers, the second one the head. */
function toTree(name: string, values: Partial<ImportConversation> = {}): ImportConversation {
  const createdAt = '2025-01-02T03:04:05.678Z'
  const nothing = { model: null, reason: null, error: null, usage: null, timings: null, createdAt }
  const message = (letter: string) => ({ ...nothing, id: `${name}-${letter}`, text: `${name} ${letter}` })
  const text = (letter: string) => [{ type: 'text', text: `${name} ${letter}` } as const]
  const answer = { role: 'assistant', parentId: `${name}-q`, state: 'complete' } as const
  return {
    id: `${name}-c`,
    title: `About ${name}`,
    model: 'box/echo',
    head: `${name}-b`,
    system: null,
    createdAt,
    updatedAt: createdAt,
    messages: [
      { ...message('q'), role: 'user', parentId: null, state: 'complete', parts: [png, ...text('q')] },
      { ...message('a'), ...answer, parts: text('a') },
      { ...message('b'), ...answer, parts: text('b') },
    ],
    ...values,
  }
}

const old = toTree('oldd')
const newer = toTree('newr', { updatedAt: '2025-06-01T00:00:00.000Z' })
const hold = (...conversations: ImportConversation[]) => service.client.importConversations({ conversations })

describe('lmapp history list', () => {
  it('marks and puts first what is pinned, and shows tags; as JSON it stays newest first', async () => {
    await hold(old, newer)
    assert.equal((await lmapp(['history', 'pin', 'oldd-c'])).stdout, 'Pinned oldd-c.\n')
    assert.equal((await lmapp(['history', 'tag', 'oldd-c', 'work', 'art'])).stdout, 'oldd-c is tagged: art, work\n')
    const shown = await lmapp(['history', 'list'])
    assert.match(
      shown.stdout,
      /^ID +LAST USED +TAGS +TITLE\noldd-c .* art, work +\* About oldd\nnewr-c .* About newr\n$/,
    )
    const ids = async (...argv: string[]) =>
      (await json('history', 'list', ...argv)).map(({ id }: { id: string }) => id)
    assert.deepEqual(await ids(), ['newr-c', 'oldd-c'])
    assert.deepEqual(await ids('--limit', '1'), ['newr-c'])
    assert.deepEqual(await ids('--pinned'), ['oldd-c'])
    assert.deepEqual(await ids('--tag', 'work'), ['oldd-c'])
    assert.match((await lmapp(['history', 'list', '--tag', 'none'])).stderr, /Nothing is like that/)
    assert.deepEqual(await json('history', 'unpin', 'oldd', 'oldd-c'), { unpinned: ['oldd-c'] })
    assert.deepEqual(await json('history', 'untag', 'oldd-c', 'work'), { id: 'oldd-c', tags: ['art'] })
    assert.match((await lmapp(['history', 'untag', 'oldd-c', 'art'])).stdout, /has no tags/)
    const empty = await lmapp(['history', 'tag', 'oldd-c', 'work', ' '])
    assert.deepEqual([empty.code, /A tag is empty/.test(empty.stderr)], [2, true])
  })

  it('stays a table on 80 columns, whatever titles and tags there are', async () => {
    const title = 'A title that is far longer than what is left of the line'
    const id = (letter: string) => `01a20472-f1b5-7184-985e-9d5bf38bdd3${letter}`
    await hold({ ...old, id: id('a'), title, tags: ['work', 'art', 'history'] })
    const { stdout } = await lmapp(['history', 'list'], { stdout: { isTerminal: true, columns: 80 } })
    const lines = stdout.trimEnd().split('\n')
    assert.equal(lines.length, 2)
    assert.ok(lines[1]?.startsWith(id('a')) && lines[1].endsWith('…'), stdout)
    assert.ok(lines.every((line) => line.length <= 80))
  })
})

describe('lmapp history show', () => {
  it('names images, tags and pins', async () => {
    await hold({ ...old, pinned: true, tags: ['art'] })
    const { stdout } = await lmapp(['history', 'show', 'oldd-c'])
    assert.match(stdout, /^About oldd\noldd-c · .* · pinned · art\n/)
    assert.match(stdout, /you:\n\[image: image\/png, 9 B\]\noldd q\n/)
  })

  it('says of an image that is lost that it is lost', async () => {
    await hold(old)
    const folder = join(service.home, 'data', 'attachments')
    for (const name of readdirSync(folder)) writeFileSync(join(folder, name), 'damage')
    assert.match((await lmapp(['history', 'show', 'oldd-c'])).stdout, /\[This image .* is damaged\.\]\noldd q\n/)
  })
})

describe('lmapp history fork', () => {
  it('copies a conversation, or what is above a message, under another title', async () => {
    await hold(old)
    const fork = await json('history', 'fork', 'oldd-a', '--title', 'Another')
    assert.deepEqual([fork.title, fork.messageCount], ['Another', 2])
    assert.equal((await service.client.getConversation(fork.id)).messages[1]?.text, 'oldd a')
    const told = await lmapp(['history', 'fork', 'oldd-c'])
    assert.match(told.stdout, /lmapp --conversation [0-9a-f-]{36}/)
    assert.equal((await lmapp(['history', 'fork', 'none-c'])).code, 2)
    assert.match((await lmapp(['history', 'fork', 'oldd-c', '--title', ''])).stderr, /The title is empty/)
  })
})

describe('lmapp history delete and prune', () => {
  it('says what is overwritten, and what vacuum still does', async () => {
    await hold(old)
    const { stdout, stderr } = await lmapp(['history', 'delete', 'oldd-c', '--yes'])
    assert.equal(stdout, 'Deleted oldd-c.\n')
    assert.match(stderr, /overwritten in the history file.*lmapp history vacuum/)
  })

  it('asks before it prunes; without a terminal it needs --yes', async () => {
    await hold(old, newer, toTree('pinn', { pinned: true }))
    const unasked = await lmapp(['history', 'prune', '--older-than', '90d'], { stdin: '' })
    assert.equal(unasked.code, 2)
    assert.match(unasked.stderr, /Delete 2 conversations, .*\n.*lmapp history prune --older-than 90d --yes/)
    const refused = await lmapp(['history', 'prune', '--older-than', '90d'], {
      stdin: 'no\n',
      stdinKind: 'terminal',
      stderr: { isTerminal: true },
    })
    assert.deepEqual([refused.code, /Nothing was deleted/.test(refused.stderr)], [0, true])
    const agreed = await lmapp(['history', 'prune', '--older-than', '12w', '--tag', 'none'], { stdin: '' })
    assert.match(agreed.stderr, /Nothing is that old, or what is has another tag or is pinned/)
    assert.equal((await service.client.listConversations()).length, 3)
    const done = await lmapp(['history', 'prune', '--older-than', '90d', '--yes'])
    assert.equal(done.stdout, 'Deleted 2 conversations.\n')
    assert.deepEqual(await json('history', 'prune', '--older-than', '1h', '--yes'), { deleted: [] })
  })

  it('shows what it would delete', async () => {
    await hold(old, newer)
    const shown = await lmapp(['history', 'prune', '--older-than', '1y', '--dry-run'])
    assert.match(shown.stdout, /About newr\n.*About oldd\n$/)
    assert.match(shown.stderr, /2 conversations would be deleted/)
    const asJson = await json('history', 'prune', '--older-than', '1y', '--dry-run')
    assert.deepEqual(asJson, { deleted: [], wouldDelete: ['newr-c', 'oldd-c'] })
    assert.deepEqual(await json('history', 'prune', '--older-than', '1y', '--yes'), { deleted: ['newr-c', 'oldd-c'] })
  })

  it('refuses an age that is none', async () => {
    for (const age of ['90', '90x', '-1d', 'soon', '9999999d', '999999y']) {
      assert.equal((await lmapp(['history', 'prune', `--older-than=${age}`])).code, 2, age)
    }
    assert.match((await lmapp(['history', 'prune'])).stderr, /--older-than is missing/)
  })
})

describe('lmapp history vacuum', () => {
  it('says what is free, and names a damaged history that it leaves alone', async () => {
    await hold(old)
    await lmapp(['history', 'delete', 'oldd-c'])
    const damaged = join(service.home, 'data', 'history.sqlite.corrupt-20260101T000000Z')
    writeFileSync(damaged, 'damage')
    const told = await lmapp(['history', 'vacuum'])
    assert.match(told.stdout, /Nothing of what was deleted is left in the history\. .* are free again/)
    assert.ok(told.stderr.includes(damaged) && existsSync(damaged))
    const asJson = await json('history', 'vacuum')
    assert.ok(asJson.sizeBytes > 0 && asJson.freedBytes >= 0)
  })
})

describe('lmapp history export and import', () => {
  it('brings back all of it, all branches and images, from JSON', async () => {
    const tree = toTree('oldd', { pinned: true, tags: ['art'] })
    await hold(tree, newer)
    const before = await service.client.getConversation('oldd-c', { branches: true })
    const exported = await lmapp(['history', 'export', '-o', 'all.json'])
    assert.match(exported.stderr, /Wrote 2 conversations to all\.json/)
    await lmapp(['history', 'delete', 'oldd-c', 'newr-c'])
    const imported = await lmapp(['history', 'import', 'all.json'])
    assert.equal(imported.code, 0, imported.stderr)
    assert.equal(imported.stdout, 'Imported 2 conversations with 6 new messages.\n')
    assert.deepEqual(await service.client.getConversation('oldd-c', { branches: true }), before)
    const again = await lmapp(['history', 'import', 'all.json'])
    assert.deepEqual(
      [again.code, again.stdout],
      [0, 'Imported 0 conversations with 0 new messages; 2 were there already.\n'],
    )
  })

  it('brings back the path from Markdown', async () => {
    await hold(
      toTree('oldd', { messages: toTree('oldd').messages.map((each) => ({ ...each, parts: each.parts.slice(-1) })) }),
    )
    await lmapp(['history', 'export', 'oldd-c', '-o', 'one.md'])
    await lmapp(['history', 'delete', 'oldd-c'])
    const report = await json('history', 'import', 'one.md')
    assert.deepEqual([report.imported, report.files[0].kind, report.messages], [['oldd-c'], 'lmapp-markdown', 2])
  })

  it('exports the branch of a message that is named, and what is on stdout is only the export', async () => {
    await hold(old)
    const { stdout } = await lmapp(['history', 'export', 'oldd-a'])
    assert.ok(stdout.includes('oldd a') && !stdout.includes('oldd b'))
    assert.equal(
      JSON.parse((await lmapp(['history', 'export', '--json', 'oldd-c'])).stdout).conversations[0].messages.length,
      3,
    )
    assert.equal((await lmapp(['history', 'export', 'oldd-c', 'none-c'])).stdout, '')
  })

  it('keeps an older export until the new one is whole, and writes to what is no file as it is', async () => {
    await hold(old)
    const file = join(service.home, 'kept.json')
    writeFileSync(file, 'older')
    assert.equal((await lmapp(['history', 'export', 'none-c', '-o', 'kept.json'])).code, 2)
    assert.equal(readFileSync(file, 'utf8'), 'older')
    await lmapp(['history', 'export', '-o', 'kept.json'])
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).conversations.length, 1)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    symlinkSync('/dev/full', join(service.home, 'full'))
    const full = await lmapp(['history', 'export', '-o', 'full'])
    assert.equal(full.code, 11)
    mkdirSync(join(service.home, 'folder'))
    assert.equal((await lmapp(['history', 'export', '-o', 'folder'])).code, 2)
    assert.ok(!readdirSync(service.home).some((name) => name.endsWith('.part')))
  })

  it('leaves out what cannot be taken, says why, and takes the rest', async () => {
    await hold(toTree('othr', { messages: [{ ...toTree('oldd').messages[0], id: 'taken-q' } as never], head: null }))
    const taken = toTree('take', { head: null, messages: [{ ...toTree('x').messages[0], id: 'taken-q' } as never] })
    const value = { format: 'lmapp-conversations', version: 2, conversations: [newer, taken] }
    writeFileSync(join(service.home, 'mixed.json'), JSON.stringify(value))
    writeFileSync(join(service.home, 'noise.json'), Buffer.alloc(10_000, 0xa5))
    const { code, stdout, stderr } = await lmapp(['history', 'import', 'noise.json', 'mixed.json'])
    assert.equal(code, 2, 'a script must not take it for done')
    assert.match(stdout, /^Imported 1 conversation with 3 new messages; 1 thing not taken\.\n$/)
    assert.match(stderr, /Not taken: conversation "About take": .*taken in another conversation/)
    assert.match(stderr, /noise\.json/)
    const report = await json('history', 'import', 'mixed.json', '--quiet')
    assert.deepEqual([report.present, report.skipped.length], [['newr-c'], 1])
  })

  it('exits with 0 when one conversation of a file is not taken, with 2 when none is', async () => {
    const wrong = (index: number) => ({ ...newer, id: `wrong-${index}`, messages: [{ id: 'm' }] })
    const write = (name: string, conversations: unknown[]) => {
      const value = { format: 'lmapp-conversations', version: 2, conversations }
      writeFileSync(join(service.home, name), JSON.stringify(value))
    }
    write('some.json', [newer, wrong(0)])
    assert.equal((await lmapp(['history', 'import', 'some.json'])).code, 0)
    write(
      'none.json',
      Array.from({ length: 1200 }, (_, index) => wrong(index)),
    )
    const { code, stdout, stderr } = await lmapp(['history', 'import', 'none.json'])
    assert.equal(code, 2)
    assert.match(stdout, /; 1,200 things not taken\.$/m)
    assert.match(stderr, /1,180 more were not taken; see: --json/)
  })

  it('names the file that is wrong', async () => {
    writeFileSync(join(service.home, 'other.json'), '{ "some": "thing" }')
    assert.match((await lmapp(['history', 'import', 'other.json'])).stderr, /other\.json: Nothing in the file/)
  })

  it('exits with 2 when nothing could be read', async () => {
    writeFileSync(join(service.home, 'noise.bin'), Buffer.alloc(10_000, 0xa5))
    const { code, stderr } = await lmapp(['history', 'import', 'noise.bin', 'nowhere.json'])
    assert.equal(code, 2)
    assert.match(stderr, /noise\.bin[\s\S]*nowhere\.json/)
    assert.equal((await lmapp(['history', 'import', 'noise.bin', '--from', 'nobody'])).code, 2)
    assert.equal((await lmapp(['history', 'import', 'noise.bin', '--from', 'llm'])).code, 2)
  })

  it('shows on a terminal how far it came', async () => {
    writeFileSync(
      join(service.home, 'one.json'),
      JSON.stringify({ format: 'lmapp-conversations', version: 2, conversations: [newer] }),
    )
    const { stderr } = await lmapp(['history', 'import', 'one.json'], { stderr: { isTerminal: true } })
    assert.match(stderr, /one\.json · 1 conversation/)
  })
})
