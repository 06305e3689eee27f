import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { runCommand } from '../run.ts'
import { createTestContext, type TestContextOptions } from '../testing/test-context.ts'
import { openTestService, type TestService } from '../testing/test-service.ts'

let service: TestService

before(async () => {
  service = await openTestService({ echo: {} })
})
after(() => service[Symbol.asyncDispose]())

async function lmapp(argv: readonly string[], options: TestContextOptions = {}) {
  const context = createTestContext({ connect: service.connect, environment: service.environment, ...options })
  const code = await runCommand(context, ['keys', ...argv])
  return { code, stdout: context.stdout.text, stderr: context.stderr.text }
}

async function json(...argv: string[]) {
  const { code, stdout, stderr } = await lmapp([...argv, '--json'])
  assert.equal(code, 0, stderr)
  return { value: JSON.parse(stdout), stderr }
}

describe('lmapp keys', () => {
  it('says what to do where there is none', async () => {
    const { code, stdout, stderr } = await lmapp(['list'])
    assert.deepEqual([code, stdout], [0, ''])
    assert.match(stderr, /lmapp keys create NAME/)
    assert.deepEqual((await json('list')).value, [])
  })

  it('creates one: stdout is its secret alone, stderr says that it is shown only now, and how to use it', async () => {
    const { code, stdout, stderr } = await lmapp(['create', 'editor'])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^lmapp_[\w-]{43}\n$/)
    assert.ok(!stderr.includes(stdout.slice(10, -1)))
    assert.match(stderr, /"editor" \(chat\) is shown only now/)
    assert.match(stderr, /http:\/\/127\.0\.0\.1:5627\/v1/)
    assert.match(stderr, /Authorization: Bearer SECRET/)
    assert.match(stderr, /lmapp serve/)
  })

  it('names the address that is open', async () => {
    service.service.address = 'http://127.0.0.1:1234'
    const { stderr } = await lmapp(['create', 'by-address'])
    service.service.address = undefined
    assert.match(stderr, /http:\/\/127\.0\.0\.1:1234\/v1/)
    assert.doesNotMatch(stderr, /lmapp serve/)
  })

  it('creates one as JSON, for more than chats', async () => {
    const { value, stderr } = await json('create', 'script', '--scope', 'admin', '--scope', 'models')
    assert.deepEqual(value.scopes, ['models', 'admin'])
    assert.match(value.secret, /^lmapp_/)
    assert.ok(!stderr.includes(value.secret.slice(10)))
  })

  it('lists them, without anything that lets in', async () => {
    const created = await lmapp(['create', 'listed'])
    const { stdout } = await lmapp(['list'])
    assert.match(stdout, /^NAME +SECRET +FOR +CREATED +LAST USED\n/)
    assert.match(stdout, new RegExp(`^listed +${created.stdout.slice(0, 10)}… +chat +\\d{4}-.* +never$`, 'm'))
    const { value } = await json('list')
    const listed = value.find(({ name }: { name: string }) => name === 'listed')
    assert.deepEqual(Object.keys(listed).sort(), [
      'beginning',
      'createdAt',
      'id',
      'lastUsedAt',
      'name',
      'revokedAt',
      'scopes',
    ])
    assert.ok(!JSON.stringify(value).includes(created.stdout.slice(10, -1)))
  })

  it('revokes one, which stays in the list', async () => {
    assert.match((await lmapp(['revoke', 'editor'])).stdout, /^Revoked editor \(lmapp_.{4}…\)/)
    assert.notEqual((await json('revoke', 'script')).value.revokedAt, null)
    const { stdout } = await lmapp(['list'])
    assert.match(stdout, /LAST USED +REVOKED\n/)
    assert.match(stdout, /^script .* never +\d{4}-/m)
    assert.match(stdout, /^listed .* never$/m)
  })

  it('fits a narrow terminal', async () => {
    const { stdout } = await lmapp(['list'], { stdout: { isTerminal: true, columns: 40 } })
    assert.match(stdout, /^NAME +listed$/m)
    for (const line of stdout.split('\n')) assert.ok(line.length <= 40, line)
    const { stderr } = await lmapp(['create', 'narrow'], { stderr: { isTerminal: true, columns: 60 } })
    for (const line of stderr.split('\n')) assert.ok(line.length <= 60, line)
  })

  it('refuses a wrong scope or name with the right ones, and a name that is taken with a way out', async () => {
    const wrong: [argv: string[], expected: RegExp][] = [
      [['create', 'x', '--scope', 'write'], /"write" is no scope[\s\S]*chat, models, admin/],
      [['create', 'x', '--scope', 'chat,models'], /chat, models, admin/],
      [['create', 'My Editor'], /a-z, 0-9 and -/],
      [['create', 'listed'], /lmapp keys revoke listed/],
      [['create'], /needs NAME/],
    ]
    for (const [argv, expected] of wrong) {
      const { code, stdout, stderr } = await lmapp(argv)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, expected)
    }
  })

  it('names the nearest when there is no key to revoke, and says when it is revoked already', async () => {
    const unknown = await lmapp(['revoke', 'lsted'])
    assert.equal(unknown.code, 2)
    assert.match(unknown.stderr, /Did you mean "listed"/)
    const again = await lmapp(['revoke', 'editor'])
    assert.equal(again.code, 2)
    assert.match(again.stderr, /revoked already/)
  })
})
