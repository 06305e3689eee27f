/** Room in memory for long bodies, shared by all requests of a service. */
export interface BodyRooms {
  /** For one request. */
  open(): BodyRoom
}

export interface BodyRoom {
  /** Whether a body of so many bytes has room; it is held until `close`. */
  holds(bytes: number): boolean
  close(): void
}

/** Up to here nothing is counted: what is usual is never refused. */
const freeBytes = 1024 * 1024

/** What is read of a body and made of it stays in memory until its answer has ended, so the sum of them has a limit. */
export function createBodyRooms(mostBytes = 256 * 1024 * 1024): BodyRooms {
  let taken = 0
  return {
    open() {
      let own = 0
      return {
        holds(bytes) {
          if (bytes <= freeBytes) return true
          if (taken - own + bytes > mostBytes) return false
          taken += bytes - own
          own = bytes
          return true
        },
        close() {
          taken -= own
          own = 0
        },
      }
    },
  }
}
