import { countPrompt, type Dialect, messagesOf, readMessages, recorded, toEvent, withMembers } from './dialect.ts'

const events = messagesOf(recorded('openai-wire/fixtures/ollama/chat'))
const [first] = events
const headers = { 'content-type': 'text/event-stream' }
const listed = recorded('openai-wire/fixtures/ollama/models')

/** As Ollama behind `/v1`: the recorded answer of a server that says little of itself. */
export const openaiCompatible: Dialect = {
  pieces: events.flatMap((event) => toContent(event) || []),
  failure: {
    status: 500,
    headers: { 'content-type': 'application/json' },
    body: '{"error":{"message":"something is broken","type":"api_error"}}',
  },
  slowLoad: { loadingMs: 0, silentMs: 3500, readingMs: 0, pieceMs: 800 },

  reply({ route }, { model }) {
    if (route === 'GET /api/version') return recorded('ollama/fixtures/version')
    if (route !== 'GET /v1/models') return undefined
    return withMembers(listed, ({ data }) => ({ data: (data as object[]).map((entry) => ({ ...entry, id: model })) }))
  },

  toChat({ route, body }) {
    if (route !== 'POST /v1/chat/completions') return undefined
    const { model } = body
    const [stop, usage] = events.slice(-2)
    const choice = (content: string) => ({ index: 0, delta: { role: 'assistant', content }, finish_reason: null })
    return {
      ...readMessages(body),
      headers,
      piece: (text) => toEvent({ ...first, model, choices: [choice(text)] }),
      end: (tokens) =>
        toEvent({ ...stop, model }) +
        toEvent({ ...usage, model, usage: { prompt_tokens: countPrompt(body), completion_tokens: tokens } }) +
        toEvent('[DONE]'),
      error: toEvent({ error: { message: 'an error was encountered: unknown', type: 'api_error' } }),
      garbage: toEvent('<html>Bad Gateway</html>'),
    }
  },
}

function toContent({ choices }: Record<string, unknown>): string {
  const [choice] = choices as { delta: { content?: string } }[]
  return choice?.delta.content ?? ''
}
