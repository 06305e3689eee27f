/** What the log of an Ollama tells of where it listens and of its loading. */
export interface LoadLog {
  /** Grows with whatever it writes, dots too. */
  readonly heard: number
  /** Loads that ended well. */
  readonly loads: number
  /** Of the load under way. Not every version writes it; 0.17 does with `OLLAMA_DEBUG`. */
  readonly percent: number | undefined
  /** `127.0.0.1:PORT`, once it says that it listens there. */
  readonly address: string | undefined
}

export interface LoadLogReader extends LoadLog {
  read(text: string): void
}

/** A line that says something of a load is short. */
const longestLine = 1000

export function createLoadLog(): LoadLogReader {
  let heard = 0
  let loads = 0
  let percent: number | undefined
  let address: string | undefined
  let unfinished = ''

  const readLine = (line: string) => {
    address ??= /Listening on (127\.0\.0\.1:\d+) \(version /.exec(line)?.[1]
    const progress = /model load progress ([01]\.\d+)/.exec(line)?.[1]
    if (progress !== undefined) percent = Math.round(Number(progress) * 100)
    if (/starting runner|runner started in/.test(line)) percent = undefined
    if (/runner started in/.test(line)) loads += 1
  }

  return {
    get heard() {
      return heard
    },
    get loads() {
      return loads
    },
    get percent() {
      return percent
    },
    get address() {
      return address
    },
    read(text) {
      heard += text.length
      const lines = `${unfinished}${text}`.split('\n')
      unfinished = (lines.pop() ?? '').slice(0, longestLine)
      for (const line of lines) readLine(line.slice(0, longestLine))
    },
  }
}
