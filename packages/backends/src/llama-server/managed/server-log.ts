import type { Status } from 'lmapp-kit'

/** What a server's log tells while it starts. */
export interface ServerLog {
  /** Takes what it wrote, on whichever stream. */
  write(text: string): void
  /** Where it listens, once it has said so. */
  readonly address: string | undefined
  /** It has begun to load its model. */
  readonly loading: boolean
  /** The last lines. */
  tail(): string[]
}

const tailLines = 20
const longestLine = 4096
/** Each is a hundredth of the tensors, where the log shows them at all. */
const dotsOfAll = 100

/** `onProgress` gets what has come of the load, in percent where the log tells it, else undefined for any output. */
export function readServerLog(onProgress: (percent: number | undefined) => void): ServerLog {
  const lines: string[] = []
  let open = ''
  let address: string | undefined
  let loading = false
  let dots = 0

  const take = (line: string) => {
    address ??= parseAddress(line)
    loading ||= isLoading(line)
    if (line.trim() === '') return
    lines.push(line)
    if (lines.length > tailLines) lines.shift()
  }

  return {
    write(text) {
      for (const [index, piece] of text.split(/\r\n|\n|\r/).entries()) {
        if (index > 0) {
          take(open)
          open = ''
        }
        // llama.cpp writes them one by one into a line of their own.
        if (loading && /^\.*$/.test(open) && /^\.+$/.test(piece)) dots = Math.min(dotsOfAll, dots + piece.length)
        open = (open + piece).slice(0, longestLine)
      }
      onProgress(dots > 0 && dots < dotsOfAll ? dots : undefined)
    },
    get address() {
      return address
    },
    get loading() {
      return loading
    },
    tail: () => [...lines, ...(open.trim() === '' ? [] : [open])].slice(-tailLines),
  }
}

/** As llama.cpp tells it from 2023 to 2026, and llamafile. */
export function parseAddress(line: string): string | undefined {
  const [, url] = /listening (?:on|at) (https?:\/\/[^\s"',]+)/.exec(line) ?? []
  const found = url ?? parseHostAndPort(line)
  const address = found === undefined ? null : URL.parse(found)
  if (!address || address.port === '0') return undefined
  if (address.hostname === '0.0.0.0' || address.hostname === '[::]') address.hostname = '127.0.0.1'
  return address.origin
}

function parseHostAndPort(line: string): string | undefined {
  if (!/listening/.test(line)) return undefined
  const [, host] = /"?hostname"?\s*[:=]\s*"?([\w.:-]+?)"?[,\s]/.exec(line) ?? []
  const [, port] = /"?port"?\s*[:=]\s*"?(\d{1,5})/.exec(line) ?? []
  return host !== undefined && port !== undefined ? `http://${host}:${port}` : undefined
}

function isLoading(line: string): boolean {
  return /loading model|load_model|llama_model_load|loading weights|model loader/i.test(line)
}

/** What the log's news mean for who waits. */
export function toLoadingStatus(percent: number | undefined): Status {
  return {
    type: 'status',
    phase: 'loading',
    ...(percent !== undefined && { progress: { done: percent, total: dotsOfAll, unit: 'percent' as const } }),
  }
}
