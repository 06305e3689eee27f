/** Bytes to text, cut between characters. What is no UTF-8 becomes U+FFFD, and is told. */
export interface OutputDecoder {
  push(bytes: Uint8Array): string
  end(): string
  /** Whether something was no UTF-8. */
  readonly broken: boolean
}

export function createOutputDecoder(): OutputDecoder {
  const lenient = new TextDecoder('utf-8', { ignoreBOM: true })
  const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })
  let broken = false

  function check(decode: () => void): void {
    if (broken) return
    try {
      decode()
    } catch {
      broken = true
    }
  }

  return {
    get broken() {
      return broken
    },
    push(bytes) {
      check(() => strict.decode(bytes, { stream: true }))
      return lenient.decode(bytes, { stream: true })
    },
    end() {
      check(() => strict.decode())
      return lenient.decode()
    },
  }
}
