import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { LmappError } from 'lmapp-kit'
import { createTestOutput } from '../testing/test-output.ts'
import { printError, printNotice, reportFailure } from './print-error.ts'

describe('an output', () => {
  it('is only waited for when the stream asks for it', async () => {
    const output = createTestOutput({ slow: true })
    await output.write('')
    const written = output.write('a')
    let isDone = false
    void written.then(() => {
      isDone = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(isDone, false)
    output.drain()
    await written
  })

  it('takes nothing more once its reader has left, and never rejects', async () => {
    const output = createTestOutput({ slow: true })
    const told: string[] = []
    output.onFailure(() => told.push('during'))
    const written = output.write('a')
    output.break('EPIPE')
    output.break('EIO')
    await written
    await output.write('b')
    await output.flush()
    output.onFailure(() => told.push('after'))
    assert.equal(output.text, 'a')
    assert.equal(output.failure?.code, 'EPIPE')
    assert.deepEqual(told, ['during', 'after'])
  })

  it('has no width where it is no terminal', () => {
    assert.equal(createTestOutput().columns, Number.POSITIVE_INFINITY)
    assert.equal(createTestOutput({ isTerminal: true, columns: 40 }).columns, 40)
    assert.equal(createTestOutput({ isTerminal: true, columns: 0 }).columns, 80)
  })

  it('hands everything over before the process ends', async () => {
    const source = `
      import { createOutput } from ${JSON.stringify(new URL('./output.ts', import.meta.url).href)}
      const output = createOutput(process.stdout, { style: (_, text) => text, dumb: false })
      void output.write('x'.repeat(300000))
      await output.flush()
      process.exit()`
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'close')
    let bytes = 0
    for await (const chunk of child.stdout) bytes += chunk.length
    await exited
    assert.equal(bytes, 300_000)
  })
})

describe('an error on stderr', () => {
  it('is what happened and what to do', async () => {
    const stderr = createTestOutput()
    const error = new LmappError('model-not-found', 'No model is called "x".', { hint: 'See: lmapp models list' })
    assert.equal(await reportFailure(stderr, error, {}), 4)
    assert.equal(stderr.text, 'lmapp: No model is called "x".\n  See: lmapp models list\n')
  })

  it('is coloured and cannot control a terminal', async () => {
    const stderr = createTestOutput({ isTerminal: true, colors: true })
    await printError(stderr, { message: 'a\u001b[2J' })
    await printNotice(stderr, 'b\u0007')
    assert.equal(stderr.text, '\u001b[31mlmapp:\u001b[39m a␛[2J\n\u001b[33mlmapp:\u001b[39m b␇\n')
  })

  it('is a bug when nobody foresaw it, with its stack only for LMAPP_DEBUG', async () => {
    const hidden = createTestOutput()
    assert.equal(await reportFailure(hidden, new TypeError('x is no function'), {}), 1)
    assert.match(hidden.text, /should not have happened: x is no function\n {2}.*LMAPP_DEBUG=1/)
    assert.doesNotMatch(hidden.text, /at /)
    const shown = createTestOutput()
    assert.equal(await reportFailure(shown, new Error('outer', { cause: 'inner' }), { LMAPP_DEBUG: '1' }), 1)
    assert.match(shown.text, /Error: outer\n +at [\s\S]*caused by: inner/)
  })

  it('shows the cause of a known failure with LMAPP_DEBUG', async () => {
    const stderr = createTestOutput()
    const error = new LmappError('disk-full', 'Full.', { cause: new Error('ENOSPC') })
    assert.equal(await reportFailure(stderr, error, { LMAPP_DEBUG: '1' }), 11)
    assert.match(stderr.text, /caused by: Error: ENOSPC/)
  })
})
