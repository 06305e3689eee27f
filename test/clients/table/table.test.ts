import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { passedAll, readTable, resultsFile, toTable } from './table.ts'

const results = JSON.parse(readFileSync(resultsFile, 'utf8'))

it('every client did all that was asked of it', () => {
  assert.ok(passedAll(results))
})

it('docs/api.md says what this run found; else: test/clients/run-tests.sh --write', () => {
  assert.equal(readTable(), toTable(results))
})
