import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseTranscript, playOnProcess } from './index.ts'

const specs = join(import.meta.dirname, '../../../../specs/transcripts')
const transcripts = globSync(`${specs}/*.ndjson`)
  .sort()
  .map((file) => parseTranscript(readFileSync(file, 'utf8'), file))

const backends = {
  'the example on serve()': [
    process.execPath,
    '--conditions=lmapp-source',
    join(import.meta.dirname, '../serve/fixtures/example-backend.ts'),
  ],
  'plain Python, written from specs/ alone': ['python3', join(import.meta.dirname, 'fixtures/stranger.py')],
} satisfies Record<string, [string, ...string[]]>

for (const [name, command] of Object.entries(backends)) {
  describe(`specs/transcripts, played against ${name}`, { concurrency: 2 }, () => {
    for (const transcript of transcripts) {
      it(`${transcript.name}: ${transcript.title}`, async () => {
        const { stderr } = await playOnProcess(transcript, { command })
        const said = { 'bad-lines': 'Hello?', 'bad-batch': 'is_running' }[transcript.name]
        if (said === undefined) assert.equal(stderr, '')
        else assert.ok(stderr.includes(said), `It does not say which line was wrong: ${stderr}`)
      })
    }
  })
}
