import { PassThrough } from 'node:stream'

/** Stands where a terminal would be read; remembers whether it was put in raw mode. */
export interface TestKeyboard extends PassThrough {
  isRaw: boolean
  setRawMode(isRaw: boolean): TestKeyboard
}

export function createTestKeyboard(): TestKeyboard {
  return Object.assign(new PassThrough(), {
    isRaw: false,
    setRawMode(this: TestKeyboard, isRaw: boolean) {
      this.isRaw = isRaw
      return this
    },
  })
}
