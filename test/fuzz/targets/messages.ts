import assert from 'node:assert/strict'
import { isLmappError } from 'lmapp-kit'
import { parseMessage } from '../../../packages/kit/src/protocol/parse-message.ts'
import type { Random } from '../../soak/random.ts'
import { readCorpus } from '../corpus.ts'
import { toJsonText, toNested } from '../json-grammar.ts'
import { mutateJson, mutateText } from '../mutate.ts'
import type { Input, Target } from '../target.ts'

/** The parser of one line: a message that can be written again, or `stream-malformed` with the beginning of the line. */
export const messages: Target = {
  name: 'messages',
  share: 0.1,
  async open() {
    const { fromHost, fromPlugin } = readCorpus()
    const said = [...fromHost, ...fromPlugin].flat()
    return {
      create(random: Random): Input {
        const message = mutateJson(random, random.oneOf(said))
        return [
          random.oneOf([
            () => message,
            () => message,
            () => mutateText(random, message),
            () => toJsonText(random),
            () => toNested(random, random.below(2000)),
          ])(),
        ]
      },
      check,
      async [Symbol.asyncDispose]() {},
    }
  },
}

function check([line = '']: Input): void {
  let message: ReturnType<typeof parseMessage>
  try {
    message = parseMessage(line)
  } catch (error) {
    assert.ok(isLmappError(error, 'stream-malformed'), String(error))
    assert.equal(error.details?.line, line.slice(0, 200))
    return
  }
  const { kind, ...members } = message
  const source = JSON.parse(line) as Record<string, unknown>
  for (const [name, value] of Object.entries(members)) assert.deepEqual(value, source[name], name)
  assert.ok(!('method' in message) || typeof message.method === 'string')
  assert.ok(!('id' in message) || ['number', 'string'].includes(typeof message.id) || kind === 'error')
  structuredClone(JSON.parse(JSON.stringify({ around: [message] })))
}
