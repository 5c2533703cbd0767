/** A roof over three floors: the inn that gives guests a room. */
export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden className="ry-logo">
      <rect width="32" height="32" rx="7" fill="currentColor" />
      <path
        d="M5 12.5 16 6l11 6.5"
        fill="none"
        stroke="#fff"
        strokeWidth="2.6"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <path d="M8 15.5h16V21H8zM8 23h16v3H8z" fill="#fff" opacity=".92" />
    </svg>
  );
}
