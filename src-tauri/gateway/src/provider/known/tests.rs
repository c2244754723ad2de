//! Models are found under the names that people and providers give them, and every row can be read.

use super::*;

#[test]
fn every_row_is_read_and_found_by_its_own_name() {
    let mut rows = 0;
    for provider in PROVIDERS.split_whitespace() {
        let lines = table::lines(provider).count();
        let known: Vec<Known> = all(provider).collect();
        assert!(lines > 0, "{provider} has rows");
        assert_eq!(known.len(), lines, "{provider}: a row that cannot be read is lost without a word");
        for row in known {
            assert_eq!(find(provider, row.model).as_ref(), Some(&row));
            assert_eq!(find(provider, &row.model.to_uppercase()).as_ref(), Some(&row), "case does not matter");
            assert!(!row.source.is_empty(), "{provider}:{}", row.model);
            rows += 1;
        }
    }
    assert_eq!(rows, table::count(), "no row of a provider that is not known here");
    assert_eq!(all("nobody").count(), 0);
    assert_eq!(all("open").count(), 0, "a provider's name is found whole");
}

const PROVIDERS: &str = "anthropic azureanthropic azureopenai bedrock cerebras cohere dashscope databricks deepinfra \
                         deepseek fireworks gemini groq huggingface inception minimax mistral moonshot nebius openai \
                         openrouter perplexity sagemaker sambanova together vertexai vertexaianthropic voyage watsonx xai";

#[test]
fn a_name_leads_to_its_row() {
    #[track_caller]
    fn check(provider: &str, model: &str, expected: &str) {
        let found = find(provider, model);
        let found = found.as_ref().map_or("nothing".to_owned(), |it| {
            format!("{}:{}{}", it.provider, it.model, if it.price.is_some() { " priced" } else { "" })
        });
        assert_eq!(found, expected, "{provider}:{model}");
    }
    check("openai", "gpt-4o", "openai:gpt-4o priced");
    check("openai", "GPT-4o", "openai:gpt-4o priced");
    check("openai", "gpt-5.5-2099-01-01", "openai:gpt-5.5 priced");
    check("openai", "ft:gpt-4o-mini-2024-07-18:mine::id", "openai:ft:gpt-4o-mini-2024-07-18 priced");
    check("openai", "gpt-nobody-knows", "nothing");
    check("nobody", "gpt-4o", "nothing");
    check("fireworks", "dbrx-instruct", "fireworks:accounts/fireworks/models/dbrx-instruct priced");
    check("openrouter", "anthropic/claude-sonnet-4.6:nitro", "openrouter:anthropic/claude-sonnet-4.6 priced");
    check("bedrock", "us-east-1/amazon.titan-embed-text-v2:0", "bedrock:amazon.titan-embed-text-v2:0 priced");
    check("vertexaianthropic", "claude-haiku-4-5@20251001", "vertexaianthropic:claude-haiku-4-5 priced");
    // The provider has no row: its vendor's says what the model is, not what it costs.
    check("azureopenai", "eu/gpt-4o-search-preview", "openai:gpt-4o-search-preview");
    check("vertexaianthropic", "claude-mythos-5-1@default", "anthropic:claude-mythos-5-1");
    check("azureanthropic", "claude-mythos-5-1", "anthropic:claude-mythos-5-1");
    check("vertexai", "google/gemini-2.5-pro", "gemini:gemini-2.5-pro");
    check("huggingface", "anthropic/claude-opus-4.7", "anthropic:claude-opus-4-7");
    check("huggingface", "openai/gpt-oss-120b:free", "nothing");
}

#[test]
fn a_row_says_what_the_model_is() {
    let haiku = find("anthropic", "claude-haiku-5-5").expect("a row");
    assert_eq!((haiku.mode, haiku.context, haiku.max_output), (Mode::Chat, Some(1_000_000), Some(128_000)));
    let badges =
        Badges { audio: false, tools: true, vision: true, pdf: true, reasoning: true, caching: true, structured: true };
    assert_eq!(haiku.badges, badges);
    let behaviour = Behaviour {
        sampling: Some(false),
        adaptive_thinking: Some(true),
        budget_thinking: None,
        prefill: Some(false),
        forced_tool: Some(true),
        always_thinks: Some(false),
    };
    assert_eq!(haiku.behaviour, behaviour);
    let accepted = vec![Effort::Low, Effort::Medium, Effort::High, Effort::ExtraHigh, Effort::Max];
    assert_eq!(haiku.efforts, Some(Efforts { accepted, usual: None }));
    assert_eq!(haiku.cache_minimum, Some(512));
    let sonnet = find("anthropic", "claude-sonnet-4-5").expect("a row");
    assert_eq!(sonnet.retires, Some(Retirement::On(Date { year: 2026, month: 11, day: 30 })));
    assert_eq!(sonnet.name, Some("Claude Sonnet 4.5 (latest)"));
}

#[test]
fn an_answer_has_a_price() {
    #[track_caller]
    fn check(provider: &str, model: &str, input: u64, output: u64, expected: &str) {
        let price = find(provider, model).and_then(|it| it.price).expect("a price");
        let cost = price.cost(&Billed { input, output, ..Billed::default() }, Service::Standard);
        assert_eq!(cost.map(|it| it.to_string()).as_deref(), Some(expected), "{provider}:{model}");
    }
    // 10,000 × 3 + 1000 × 15.
    check("anthropic", "claude-sonnet-4-6", 10_000, 1000, "0.045");
    // 10,000 × 2.5 + 1000 × 10.
    check("openai", "gpt-4o", 10_000, 1000, "0.035");
    // 300,000 × 10 + 1000 × 45: above 272,000.
    check("openai", "gpt-5.5", 300_000, 1000, "3.045");
}

#[test]
fn days_and_efforts_are_read() {
    let check =
        |text: &str, expected: Option<Option<Retirement>>| assert_eq!(Retirement::read(text), expected, "{text}");
    check("", Some(None));
    check("deprecated", Some(Some(Retirement::Someday)));
    check("2026-11-30", Some(Some(Retirement::On(Date { year: 2026, month: 11, day: 30 }))));
    check("2026-13-01", None);
    check("2026-11", None);
    let check = |text: &str, expected: Option<Option<Efforts>>| assert_eq!(Efforts::read(text), expected, "{text}");
    check("", Some(None));
    check("-", Some(Some(Efforts::default())));
    check("none*,low", Some(Some(Efforts { accepted: vec![Effort::None, Effort::Low], usual: Some(Effort::None) })));
    check("hardest", None);
}
