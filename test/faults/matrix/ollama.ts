import { countPrompt, type Dialect, messagesOf, readMessages, recorded, withMembers } from './dialect.ts'

const [first, ...others] = messagesOf(recorded('ollama/fixtures/chat'))
const last = others.at(-1)
const headers = { 'content-type': 'application/x-ndjson' }
const listed = recorded('ollama/fixtures/tags')
const loaded = recorded('ollama/fixtures/ps-loaded')

/** With a template that leaves the last message open, so that it can go on with an answer. */
const shown = withMembers(recorded('ollama/fixtures/show'), () => ({ template: '{{ .Prompt }}{{ .Response }}' }))

export const ollama: Dialect = {
  pieces: [first, ...others].flatMap((message) => toContent(message) || []),
  failure: { status: 500, headers: { 'content-type': 'application/json' }, body: '{"error":"something is broken"}' },
  // A look at what is in memory comes every second.
  slowLoad: { loadingMs: 2000, silentMs: 3500, readingMs: 0, pieceMs: 0 },

  reply({ route, body }, { model, loading }) {
    const renamed = (reply: typeof listed) => withMembers(reply, ({ models }) => ({ models: rename(models, model) }))
    switch (route) {
      case 'GET /':
        return recorded('ollama/fixtures/greeting')
      case 'GET /api/version':
        return recorded('ollama/fixtures/version')
      case 'GET /api/tags':
        return renamed(listed)
      case 'GET /api/ps':
        return loading ? recorded('ollama/fixtures/ps-empty') : renamed(loaded)
      case 'POST /api/show':
        return shown
      case 'POST /api/chat':
        // As versions that do not show a prompt: they answer instead.
        return body._debug_render_only ? toReply({ ...first, model: body.model, done: true }) : undefined
      default:
        return undefined
    }
  },

  toChat({ route, body }) {
    if (route !== 'POST /api/chat') return undefined
    const { model } = body
    const line = (value: object) => `${JSON.stringify(value)}\n`
    const message = (content: string) => ({ role: 'assistant', content })
    return {
      ...readMessages(body),
      headers,
      piece: (text) => line({ ...first, model, message: message(text) }),
      end: (tokens) => line({ ...last, model, eval_count: tokens, prompt_eval_count: countPrompt(body) }),
      error: line({ error: 'an error was encountered: unknown' }),
      garbage: '<html>Bad Gateway</html>\n',
    }
  },
}

function toContent(message: Record<string, unknown> | undefined): string {
  return (message?.message as { content: string }).content
}

function rename(models: unknown, model: string): object[] {
  const name = `${model}:latest`
  return (models as object[]).map((entry) => ({ ...entry, name, model: name }))
}

function toReply(body: object) {
  return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(body) }
}
