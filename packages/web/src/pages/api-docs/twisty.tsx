/** The mark of what unfolds, as in the resource tree; its button says the state to screen readers. */
export function Twisty({ open }: { open: boolean }) {
  return (
    <span className={open ? 'ry-twisty ry-open' : 'ry-twisty'} aria-hidden>
      <svg viewBox="0 0 8 8" width="8" height="8" aria-hidden>
        <path d="M2.2 1 5.6 4 2.2 7" fill="none" stroke="currentColor" strokeWidth="1.4" />
      </svg>
    </span>
  );
}
