import {
  type Asked,
  type Chat,
  type Dialect,
  type EngineState,
  messagesOf,
  readMessages,
  recorded,
  toEvent,
  type WireMessage,
  withMembers,
} from './dialect.ts'

const events = messagesOf(recorded('llama-server/fixtures/chat'))
const written = events.filter((event) => toContent(event) !== '')
const goneOn = messagesOf(recorded('llama-server/fixtures/completion'))
const { headers } = recorded('llama-server/fixtures/chat')
const rendered = recorded('llama-server/fixtures/apply-template')

export const llamaServer: Dialect = {
  pieces: written.map(toContent),
  failure: {
    status: 500,
    headers: { ...headers, 'content-type': 'application/json; charset=utf-8' },
    body: '{"error":{"code":500,"message":"something is broken","type":"server_error"}}',
  },
  // While it loads it says 503 and no more, which is no progress; how much of the prompt it has read is.
  slowLoad: { loadingMs: 2500, silentMs: 0, readingMs: 1100, pieceMs: 0 },

  reply({ route, body }, { model, loading }) {
    if (loading) return recorded('llama-server/fixtures/loading')
    const path = `/models/${model}.gguf`
    switch (route) {
      case 'GET /health':
        return recorded('llama-server/fixtures/health')
      case 'GET /props':
        return withMembers(recorded('llama-server/fixtures/props'), () => ({ model_path: path, model_alias: path }))
      case 'GET /v1/models':
        return withMembers(recorded('llama-server/fixtures/models'), ({ data }) => ({
          data: (data as object[]).map((entry) => ({ ...entry, id: path, aliases: [path] })),
        }))
      case 'POST /v1/embeddings':
        return recorded('llama-server/fixtures/embed-off')
      case 'POST /apply-template':
        return withMembers(rendered, () => ({ prompt: render(body.messages as WireMessage[]) }))
      case 'POST /tokenize':
        return withMembers(recorded('llama-server/fixtures/tokenize'), () => ({ tokens: tokenize(body) }))
      default:
        return undefined
    }
  },

  toChat(asked, state) {
    if (asked.route === 'POST /v1/chat/completions') return toCompletion(asked, state)
    return asked.route === 'POST /completion' ? toContinuation(asked) : undefined
  },
}

function toCompletion({ body }: Asked, { model }: EngineState): Chat {
  const path = `/models/${model}.gguf`
  const [first] = events
  const [stop, usage] = events.slice(-2)
  const event = (value: object) => toEvent({ ...value, model: path })
  return {
    ...readMessages(body),
    headers,
    piece: (content) => event({ ...written[0], choices: [{ finish_reason: null, index: 0, delta: { content } }] }),
    end: (tokens) =>
      event({ ...stop }) +
      event({ ...usage, usage: { prompt_tokens: 33, completion_tokens: tokens } }) +
      toEvent('[DONE]'),
    reading: (processed) => event({ ...first, prompt_progress: { total: 33, cache: 0, processed, time_ms: 1 } }),
    error: toEvent({ error: { code: 500, message: 'an error was encountered: unknown', type: 'server_error' } }),
    garbage: toEvent('<html>Bad Gateway</html>'),
  }
}

/** `/completion` gets the tokens of the prompt and of what is kept of the answer. */
function toContinuation({ body }: Asked): Chat {
  const text = (body.prompt as number[]).map((id) => vocabulary[id]).join('')
  const [before = '', partial = ''] = text.split(answerMark)
  const piece = goneOn.find(({ content }) => content !== '')
  return {
    question: /<\|im_start\|>user\n([\s\S]*)<\|im_end\|>\n$/.exec(before)?.[1] ?? '',
    partial,
    headers,
    piece: (content) => toEvent({ ...piece, content }),
    end: (tokens) =>
      toEvent({
        ...goneOn.at(-1),
        content: '',
        stop: true,
        stop_type: 'eos',
        tokens_predicted: tokens,
        model: undefined,
      }),
    error: toEvent({ error: { code: 500, message: 'an error was encountered: unknown', type: 'server_error' } }),
    garbage: toEvent('<html>Bad Gateway</html>'),
  }
}

const answerMark = '<|im_start|>assistant\n'

function render(messages: readonly WireMessage[]): string {
  const system = JSON.parse(rendered.body).prompt.split('<|im_start|>user')[0]
  const said = messages.map(({ role, content }) => {
    const text = typeof content === 'string' ? content : content.map(({ text: part = '' }) => part).join('')
    return `<|im_start|>${role}\n${text}<|im_end|>\n`
  })
  return system + said.join('') + answerMark
}

/** A token is a word with the space before it; its id, where it stands here. */
const vocabulary: string[] = []

function tokenize({ content, with_pieces }: Record<string, unknown>): unknown[] {
  const pieces = String(content).match(/<\|im_\w+\|>|\n| ?[^\s<]+|\s|</g) ?? []
  return pieces.map((piece) => {
    if (!vocabulary.includes(piece)) vocabulary.push(piece)
    const id = vocabulary.indexOf(piece)
    return with_pieces ? { id, piece } : id
  })
}

function toContent({ choices }: Record<string, unknown>): string {
  const [choice] = choices as { delta?: { content?: string | null } }[]
  return choice?.delta?.content ?? ''
}
