import { type ChatRequest, LmappError } from 'lmapp-kit'

/** A program gets text and gives text. Throws `unsupported` for what would need more, `bad-input` for no question. */
export function assertPossible(request: ChatRequest): void {
  if (request.messages.length === 0) throw new LmappError('bad-input', 'There are no messages.')
  const content = request.messages.flatMap((message) => message.content)
  if (request.continue) throw cannot('go on with an answer that was begun')
  if (request.tools?.length && request.toolChoice !== 'none') throw cannot('call tools')
  if (request.schema) throw cannot('be held to a JSON Schema')
  if (content.some(({ type }) => type === 'image')) throw cannot('be shown images')
}

function cannot(what: string): LmappError {
  return new LmappError('unsupported', `A command-line program cannot ${what} by lmapp.`)
}
