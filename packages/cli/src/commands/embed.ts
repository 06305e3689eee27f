import { resolve } from 'node:path'
import type { ApiEmbedding } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { type CommandContext, withService } from '../context.ts'
import { limits } from '../input/attachments/limits.ts'
import { readBytes } from '../input/attachments/read-bytes.ts'
import { decodeText, readStdin } from '../input/read-stdin.ts'
import { formatBytes } from '../output/format.ts'
import { printJson } from '../output/print-json.ts'
import { exitCodeOfSignal, stopBySignal } from '../signals.ts'
import { isOffline, modelReference } from './chat.ts'

/** Texts that are sent at once: a long list is answered piece by piece, in its order. */
const textsAtOnce = 64

/** `lmapp embed [TEXT…]`: a vector a line for each text; with `--json` one object for all. */
export async function embed(context: CommandContext, args: Arguments): Promise<number> {
  const model = modelReference(args)
  const texts = await readTexts(context, args)
  using stop = stopBySignal(context.signals)
  try {
    const common = { ...(model !== undefined && { model }), ...(isOffline(context.environment) && { offline: true }) }
    await withService(context, async (client) => {
      const print = args.has('json') ? undefined : toLine(args)
      const all: ApiEmbedding[] = []
      for (let start = 0; start < texts.length; start += textsAtOnce) {
        const input = texts.slice(start, start + textsAtOnce)
        const answer = await client.embed({ ...common, input }, { signal: stop.signal })
        if (print) await context.stdout.write(answer.vectors.map(print).join(''))
        else all.push(answer)
      }
      if (!print) await printJson(context.stdout, toReport(all, args))
    })
    return 0
  } catch (error) {
    if (stop.by) return exitCodeOfSignal[stop.by]
    throw error
  }
}

async function readTexts(context: CommandContext, args: Arguments): Promise<string[]> {
  const typed = args.operands.join(' ')
  const sources: string[] = []
  const files = args.values('file')
  for (const path of files.filter((file) => file !== '-')) sources.push(await readText(path, context.directory))
  const wantsStdin = files.includes('-') || (files.length === 0 && typed === '')
  const piped = wantsStdin ? await readStdin(context, { quiet: false }) : undefined
  if (piped !== undefined) sources.push(piped)
  const texts = [...(typed === '' ? [] : [typed]), ...sources.flatMap((text) => split(text, args.has('lines')))]
  if (texts.some((text) => text.trim() !== '')) return texts
  throw new LmappError('bad-input', 'There is nothing to embed.', { hint: 'Give a text: lmapp embed "some words"' })
}

/** Empty lines are no texts. */
function split(text: string, byLines: boolean): string[] {
  if (!byLines) return [text.replace(/[\r\n]+$/, '')]
  return text.split(/\r?\n/).filter((line) => line.trim() !== '')
}

async function readText(path: string, directory: string): Promise<string> {
  const bytes = await readBytes(resolve(directory, path), path, limits.stdin)
  if (bytes.length <= limits.stdin) return decodeText(bytes, path)
  throw new LmappError('bad-input', `${path} is larger than ${formatBytes(limits.stdin)}, the most that is taken.`, {
    hint: `Give it in pieces: split -C 50M '${path}'`,
  })
}

function toLine(args: Arguments): (vector: string) => string {
  return (vector) => `${args.has('base64') ? vector : JSON.stringify(toNumbers(vector))}\n`
}

function toReport(answers: readonly ApiEmbedding[], args: Arguments) {
  const [first] = answers
  const vectors = answers.flatMap((answer) => answer.vectors)
  const counted = answers.every(({ inputTokens }) => inputTokens !== undefined)
  return {
    model: first?.model ?? null,
    dimensions: first?.dimensions ?? 0,
    inputTokens: counted ? answers.reduce((sum, { inputTokens = 0 }) => sum + inputTokens, 0) : null,
    vectors: args.has('base64') ? vectors : vectors.map(toNumbers),
  }
}

function toNumbers(vector: string): number[] {
  const bytes = Buffer.from(vector, 'base64')
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4))
}
