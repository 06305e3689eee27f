export { type Admission, createAdmission, mostWaiting, type Slot, type SlotRequest } from './admission.ts'
export { slotsOfSilent } from './slot-count.ts'
