import { createBackend, LmappError, serve, toText } from 'lmapp-kit'

const plugin = { name: 'NAME', version: '0.1.0' }
const contextLength = 4096
const wordsOf = (text) => text.match(/\S+\s*/g) ?? []

await serve({
  ...plugin,
  // `config` is what the user wrote under backends.<id>.config; `secrets.apiKey` is his key.
  open: ({ config }) =>
    createBackend({
      ...plugin,
      capabilities: { parallel: 4 },
      models: [{ id: 'parrot', contextLength }],

      // Here your engine goes. This one repeats what it hears: "3 times Hello there" three times.
      async *chat({ messages, options = {} }) {
        const inputTokens = wordsOf(messages.map(({ content }) => toText(content)).join(' ')).length
        if (inputTokens > Math.min(options.contextLength ?? contextLength, contextLength)) {
          throw new LmappError('context-overflow', `${inputTokens} words are too many.`)
        }
        const [, times = 1, said] = /^(?:(\d+) times )?(.*)$/s.exec(toText(messages.at(-1).content))
        const answer = `${config.greeting ?? ''}${Array(Number(times)).fill(said).join(' ')}`
        const stops = (options.stop ?? []).map((text) => answer.indexOf(text)).filter((at) => at >= 0)
        let outputTokens = 0
        for (const word of wordsOf(answer.slice(0, Math.min(answer.length, ...stops)))) {
          if (outputTokens === options.maxTokens) return { reason: 'length', usage: { inputTokens, outputTokens } }
          outputTokens += 1
          yield word
        }
        return { usage: { inputTokens, outputTokens } }
      },
    }),
})
