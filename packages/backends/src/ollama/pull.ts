import { type CallOptions, LmappError, type PullProgress, readLines } from 'lmapp-kit'
import { type Fields, parseJson, toFields, toOptionalCount, toOptionalText } from '../json/fields.ts'
import type { OllamaConnection } from './connection.ts'

const maxLineBytes = 64 * 1024

/** `silenceMs`: of a step that reports nothing, such as checking a large file. Dropping the connection ends a pull. */
export async function* pullWithOllama(
  connection: OllamaConnection,
  { model, silenceMs }: { model: string; silenceMs: number },
  options: CallOptions,
): AsyncGenerator<PullProgress, void, undefined> {
  const response = await connection.request({
    method: 'POST',
    path: '/api/pull',
    body: { model, stream: true },
    model,
    silenceMs,
    ...options,
  })
  try {
    for await (const line of readLines(response.bytes(), { maxBytes: maxLineBytes })) {
      const step = toFields(parseJson(line))
      const said = toOptionalText(step.error)
      if (said !== undefined) throw toPullError(model, said)
      const status = toOptionalText(step.status)
      if (status === undefined) continue
      const done = status === 'success'
      if (done) response.release()
      yield toProgress(status, step, done)
      if (done) return
    }
    throw new LmappError('download-failed', `Ollama stopped fetching ${model} without saying that it succeeded.`)
  } finally {
    response.close()
  }
}

function toProgress(status: string, step: Fields, done: boolean): PullProgress {
  const total = toOptionalCount(step.total)
  const completed = toOptionalCount(step.completed) ?? (total === undefined ? undefined : 0)
  return {
    status,
    ...(completed !== undefined && {
      progress: { done: completed, ...(total !== undefined && { total }), unit: 'bytes' as const },
    }),
    ...(done && { done }),
  }
}

/** The registry's 404 reaches us as these words. */
function toPullError(model: string, said: string): LmappError {
  if (said.includes('file does not exist')) {
    return new LmappError('model-not-found', `Ollama's library has no model "${model}".`, {
      hint: 'Check the name: https://ollama.com/library',
      details: { name: model, said },
    })
  }
  const full = said.includes('no space left')
  return new LmappError(full ? 'disk-full' : 'download-failed', `Ollama could not fetch ${model}: ${said}`, {
    details: { model, said },
  })
}
