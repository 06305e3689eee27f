import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { loadSqlite } from './load-sqlite.ts'

test('the warning that some versions of Node give is not seen, any other is', async (context) => {
  const load = process.getBuiltinModule
  context.after(() => {
    process.getBuiltinModule = load
  })
  process.getBuiltinModule = ((id: string) => {
    process.emitWarning('SQLite is an experimental feature', 'ExperimentalWarning')
    process.emitWarning('SQLite is an experimental feature', { type: 'ExperimentalWarning' })
    process.emitWarning('another one', { type: 'OtherWarning' })
    return load(id)
  }) as typeof load
  const seen: string[] = []
  const note = (warning: Error) => seen.push(warning.name)
  process.on('warning', note)
  const warned = once(process, 'warning')
  assert.equal(typeof loadSqlite().DatabaseSync, 'function')
  process.emitWarning('a later one', 'ExperimentalWarning')
  await warned
  while (seen.length < 2) await once(process, 'warning')
  process.off('warning', note)
  assert.deepEqual(seen, ['OtherWarning', 'ExperimentalWarning'])
})
