import type { ChatRequest, Finish, Part, Warning } from 'lmapp-kit'
import type { HttpResponse } from '../http/index.ts'
import { checkPromptWasRead } from '../text-measure/index.ts'
import type { ChatBody } from './chat-body.ts'
import { readChatStream } from './chat-stream.ts'
import { countsWholePrompt } from './version.ts'

/** A chat as it goes to Ollama. */
export interface Asked {
  request: ChatRequest
  body: ChatBody
  /** Of the engine. */
  version: string
}

/** The parts of an answer whose headers are there. The connection is kept once its end has come. */
export async function* readAnswer(response: HttpResponse, asked: Asked): AsyncGenerator<Part, void, undefined> {
  const { body } = asked
  for await (const part of readChatStream(response.bytes(), body)) {
    if (part.type !== 'finish') {
      yield part
      continue
    }
    const warning = checkReading(part, asked)
    if (warning) yield warning
    response.release()
    yield { ...part, usage: { ...part.usage, contextLength: body.options.num_ctx } }
  }
}

function checkReading({ usage }: Finish, { request, body, version }: Asked): Warning | undefined {
  const { inputTokens, cachedTokens } = usage
  return checkPromptWasRead(request.messages, {
    engine: 'Ollama',
    ...(inputTokens !== undefined && { readTokens: inputTokens }),
    contextLength: body.options.num_ctx,
    exact: cachedTokens !== undefined || countsWholePrompt(version),
  })
}
