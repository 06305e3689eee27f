import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createHome, type Home, isAlive, toEvents, until, untilGone, withMock } from '../support/home.ts'

const words = 'alpha beta gamma delta epsilon zeta eta theta iota kappa'

interface Shown {
  messages: { role: string; text: string; state: string }[]
}

describe('a death in the middle of an answer', () => {
  let home: Home
  before(async () => {
    home = await createHome(
      withMock({
        slow: { reply: words, repeatTokens: 60, paceMs: 20 },
        long: { reply: words, repeatTokens: 400, paceMs: 10 },
        endless: { reply: words, repeatTokens: 100_000, paceMs: 10 },
      }),
    )
  })
  after(() => home[Symbol.asyncDispose]())

  const show = async (id: string): Promise<Shown> =>
    JSON.parse((await home.lmapp(['history', 'show', id, '--json'])).stdout)

  /** Asks, and returns when text has arrived. */
  const ask = async (model = 'slow') => {
    const running = home.start(['-m', `box/${model}`, '--json', 'Go on.'])
    const stdout = await running.untilStdout('text-delta')
    const [start] = toEvents(stdout.slice(0, stdout.indexOf('\n')))
    return { running, conversation: String(start?.conversation) }
  }

  const untilEnded = (conversation: string) =>
    until(async () => {
      const answer = (await show(conversation)).messages.at(-1)
      return answer && answer.state !== 'running' ? answer : undefined
    })

  it('kill -9 of the command: the service finishes the answer', async () => {
    const { running, conversation } = await ask()
    running.process.kill('SIGKILL')
    await running.ended
    const answer = await untilEnded(conversation)
    assert.equal(answer.state, 'complete')
    assert.equal(answer.text.split(/\s+/).filter(Boolean).length, 60)
  })

  it('SIGHUP: exit 129, and the service finishes the answer', async () => {
    const { running, conversation } = await ask()
    running.process.kill('SIGHUP')
    assert.equal((await running.ended).code, 129)
    assert.equal((await untilEnded(conversation)).state, 'complete')
  })

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`${signal}: exit ${code}, stopped, and what arrived is kept`, async () => {
      const { running, conversation } = await ask('endless')
      running.process.kill(signal)
      assert.equal((await running.ended).code, code)
      const answer = (await show(conversation)).messages.at(-1)
      assert.equal(answer?.state, 'stopped')
      assert.match(answer?.text ?? '', /^alpha /)
    })
  }

  it('a closed pipe (| head): it ends quietly, and the run with it', async () => {
    const { running, conversation } = await ask('endless')
    running.process.stdout.destroy()
    const result = await running.ended
    assert.equal(result.stderr, '')
    assert.equal((await untilEnded(conversation)).state, 'stopped')
  })

  it('kill -9 of the service: the question and what arrived are there, and `continue` goes on from the last token', async () => {
    const { running, conversation } = await ask('long')
    await running.untilStdout('delta ')
    const pid = await home.servicePid()
    assert.ok(pid)
    process.kill(pid, 'SIGKILL')
    const result = await running.ended
    const end = toEvents(result.stdout).at(-1) as { type: string; state: string }
    assert.ok([0, 7].includes(result.code ?? -1), `exit ${result.code}`)
    assert.equal(end.type, 'end')
    const answer = await untilEnded(conversation)
    if (answer.state !== 'complete') {
      assert.equal(answer.state, 'crashed')
      assert.ok(answer.text.startsWith('alpha beta'))
      const continued = await home.lmapp(['continue', conversation])
      assert.equal(continued.code, 0, continued.stderr)
    }
    const whole = (await show(conversation)).messages.at(-1)
    assert.equal(whole?.state, 'complete')
    assert.deepEqual(whole?.text.split(/\s+/).filter(Boolean).slice(0, 10), words.split(' '))
    assert.equal(whole?.text.split(/\s+/).filter(Boolean).length, 400, 'nothing is lost and nothing is said twice')
  })

  it('SIGTERM of the service: answers end stopped and kept, nothing is left behind', async () => {
    const { running, conversation } = await ask('endless')
    const pid = await home.servicePid()
    assert.ok(pid)
    process.kill(pid, 'SIGTERM')
    const result = await running.ended
    assert.equal(result.code, 7)
    await untilGone(pid)
    assert.equal(isAlive(pid), false)
    assert.equal((await show(conversation)).messages.at(-1)?.state, 'stopped')
  })
})
