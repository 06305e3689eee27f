import type { ImportNotice } from './imported.ts'

const mostNotices = 1000

/** Collects what could not be taken. A file can be broken in a million places: after a thousand they are counted. */
export interface Notices {
  readonly list: readonly ImportNotice[]
  add(what: string, where: string, why: string): void
}

export function createNotices(): Notices {
  const list: ImportNotice[] = []
  let omitted = 0
  return {
    list,
    add(what, where, why) {
      if (list.length < mostNotices) {
        list.push({ what, where, why })
        return
      }
      omitted += 1
      list[mostNotices] = {
        what: 'notices',
        where: 'after these',
        why: `${omitted} more of them are not listed`,
        count: omitted,
      }
    },
  }
}
