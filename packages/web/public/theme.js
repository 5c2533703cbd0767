// Sets theme and language before the first paint. Keep in step with src/util/preferences.ts.
(() => {
  let theme = 'auto';
  let language = '';
  try {
    const stored = JSON.parse(localStorage.getItem('ryokan.preferences') || '{}');
    theme = stored.theme || 'auto';
    language = stored.language || '';
  } catch {
    // Storage is switched off or holds rubbish: the defaults are good enough.
  }
  const dark = theme === 'dark' || (theme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
  const root = document.documentElement;
  root.classList.toggle('pf-v6-theme-dark', dark);
  root.style.colorScheme = dark ? 'dark' : 'light';
  root.lang = language || (navigator.language.startsWith('ja') ? 'ja' : 'en');
})();
