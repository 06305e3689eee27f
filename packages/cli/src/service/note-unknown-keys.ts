/** Notes once for each program that it shows a key that is none: it is let in as a guest. */
export function createUnknownKeyNotes(log: (line: string) => void): (request: { userAgent: string }) => void {
  const noted = new Set<string>()
  return ({ userAgent }) => {
    if (noted.has(userAgent) || noted.size >= mostNoted) return
    noted.add(userAgent)
    const name = userAgent.replace(/[^\x20-\x7e]/g, '?').slice(0, 100)
    log(
      `"${name}" showed a key that is not known here; it is a guest. To insist: lmapp config set serve.requireKey true`,
    )
  }
}

const mostNoted = 100
