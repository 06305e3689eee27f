import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openReplay } from '../testing/replay-server.ts'
import { openLlamaServerConnection } from './connection.ts'
import { tokenize } from './prompt-tokens.ts'
import { patient, recorded, singleRoutes } from './testing/recordings.ts'

it('gives the pieces of a character that is several tokens, so that together they are the text', async () => {
  await using replay = await openReplay(singleRoutes({ 'POST /tokenize': recorded('tokenize-bytes') }))
  using connection = openLlamaServerConnection({ urls: [replay.url], ...patient, silenceMs: patient.stallMs })
  const pieces = await tokenize(connection, { model: 'm', content: 'A 🐟 swims', special: false }, {})
  assert.equal(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString(), 'A 🐟 swims')
  assert.equal(pieces.length, 6)
})
